// Keys of the peers, named by did:key or did:jwk. Private keys are made here and
// stay here.
import * as base58 from 'base58-universal';
import {ECDH, createPublicKey, generateKeyPairSync, sign as signBytes, verify as verifyBytes} from 'node:crypto';

const kinds = {
  Ed25519: {header: [0xed, 0x01], alg: 'EdDSA'},
  'P-256': {header: [0x80, 0x24], alg: 'ES256', curve: 'prime256v1', hash: 'sha256', size: 32},
  'P-384': {header: [0x81, 0x24], alg: 'ES384', curve: 'secp384r1', hash: 'sha384', size: 48},
  secp256k1: {header: [0xe7, 0x01], alg: 'ES256K', curve: 'secp256k1', hash: 'sha256', size: 32}
};

const own = new Map(); // DID → private key

// generate makes a key and returns its DID.
export function generate(kind, method) {
  const {header, curve} = kinds[kind];
  const {privateKey, publicKey} = curve ?
    generateKeyPairSync('ec', {namedCurve: curve}) : generateKeyPairSync('ed25519');
  const {x, y} = publicKey.export({format: 'jwk'});
  if(method === 'jwk') {
    const id = 'did:jwk:' + Buffer.from(JSON.stringify(publicKey.export({format: 'jwk'}))).toString('base64url');
    own.set(id, privateKey);
    return {id, ...describe(id)};
  }
  const point = curve ?
    ECDH.convertKey(Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]), curve, undefined, undefined, 'compressed') :
    Buffer.from(x, 'base64url');
  const id = 'did:key:z' + base58.encode(Buffer.concat([Buffer.from(header), point]));
  own.set(id, privateKey);
  return {id, ...describe(id)};
}

// describe returns what a did:key or did:jwk, or its verification method, says of its key.
export function describe(id) {
  const [did] = id.split('#');
  if(did.startsWith('did:jwk:')) {
    const jwk = JSON.parse(Buffer.from(did.slice('did:jwk:'.length), 'base64url'));
    return {kind: jwk.crv, alg: kinds[jwk.crv].alg, method: `${did}#0`, jwk};
  }
  const multikey = id.slice('did:key:'.length).split('#')[0];
  const bytes = Buffer.from(base58.decode(multikey.slice(1)));
  const [kind, {alg, curve, size}] = Object.entries(kinds).find(([, {header}]) => header.every((b, i) => b === bytes[i]));
  const point = curve ? ECDH.convertKey(bytes.subarray(2), curve, undefined, undefined, 'uncompressed').subarray(1) : bytes.subarray(2);
  const jwk = curve ?
    {kty: 'EC', crv: kind, x: point.subarray(0, size).toString('base64url'), y: point.subarray(size).toString('base64url')} :
    {kty: 'OKP', crv: kind, x: point.toString('base64url')};
  return {kind, alg, method: `did:key:${multikey}#${multikey}`, jwk};
}

export const privateKey = id => own.get(id);
export const privateJwk = id => own.get(id).export({format: 'jwk'});

// signer signs as JWS does: r ‖ s, or an Ed25519 signature, in base64url.
export function signer(id) {
  const {hash} = kinds[describe(id).kind];
  return async data => signBytes(hash, Buffer.from(data), {key: own.get(id), dsaEncoding: 'ieee-p1363'}).toString('base64url');
}

export function verifier(jwk) {
  const {hash} = kinds[jwk.crv];
  const key = createPublicKey({key: jwk, format: 'jwk'});
  return async (data, signature) =>
    verifyBytes(hash, Buffer.from(data), {key, dsaEncoding: 'ieee-p1363'}, Buffer.from(signature, 'base64url'));
}

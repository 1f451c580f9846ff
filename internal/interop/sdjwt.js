// SD-JWT and SD-JWT VC by the Open Wallet Foundation's sd-jwt-js.
import {SDJwtInstance} from '@sd-jwt/core';
import {SDJwtVcInstance} from '@sd-jwt/sd-jwt-vc';
import {createHash, randomBytes} from 'node:crypto';
import {describe, generate, signer, verifier} from './keys.js';

const hasher = (data, alg) => createHash(alg.replace('-', '')).update(data instanceof ArrayBuffer ? Buffer.from(data) : data).digest();
const saltGenerator = length => randomBytes(length).toString('base64url');

// An instance of the kind of credential that typ names.
function instance(typ, config) {
  const made = new (typ === 'dc+sd-jwt' ? SDJwtVcInstance : SDJwtInstance)({hasher, saltGenerator, ...config});
  return made;
}

export const operations = {
  async generate({kind}) {
    return generate(kind);
  },
  async issue({typ, payload, frame, header, key, hashAlg}) {
    const {alg, method} = describe(key);
    const issuer = instance(typ, {signer: signer(key), signAlg: alg, hashAlg: hashAlg ?? 'sha-256'});
    return {token: await issuer.issue(payload, frame, {header: {typ, kid: method, ...header}})};
  },
  async present({typ, token, frame, key, nonce, audience, iat}) {
    const holder = instance(typ, {kbSigner: signer(key), kbSignAlg: describe(key).alg});
    return {token: await holder.present(token, frame, {kb: {payload: {nonce, aud: audience, iat}}})};
  },
  async keys({token}) {
    return {keys: await instance('', {}).presentableKeys(token)};
  },
  // verify takes the issuer's key from the JWT's kid, the holder's from its cnf.
  async verify({typ, token, nonce}) {
    const {kid} = JSON.parse(Buffer.from(token.split('.')[0], 'base64url'));
    const reader = instance(typ, {
      verifier: verifier(describe(kid).jwk),
      kbVerifier: (data, signature, payload) =>
        verifier(payload.cnf.jwk ?? describe(payload.cnf.kid).jwk)(data, signature)
    });
    const {payload, header, kb} = await reader.verify(token, {keyBindingNonce: nonce});
    return {payload, header, binding: kb?.payload};
  }
};

// JSON Web Tokens by panva's jose (EdDSA, ES256, ES384) and by did-jwt, which
// also has ES256K; and the credentials of VCDM 1.1 in them by did-jwt-vc.
import * as jose from 'jose';
import {ES256KSigner, ES256Signer, EdDSASigner, createJWS, decodeJWT, verifyJWS} from 'did-jwt';
import {createVerifiableCredentialJwt, createVerifiablePresentationJwt} from 'did-jwt-vc';
import {describe, generate, privateJwk, privateKey} from './keys.js';

const secret = id => Buffer.from(privateJwk(id).d, 'base64url');

function didJwtSigner(id) {
  switch(describe(id).alg) {
    case 'EdDSA': return EdDSASigner(Buffer.concat([secret(id), Buffer.from(describe(id).jwk.x, 'base64url')]));
    case 'ES256': return ES256Signer(secret(id));
    case 'ES256K': return ES256KSigner(secret(id));
  }
}

export const operations = {
  async generate({kind, method}) {
    return generate(kind, method);
  },
  async sign({payload, header, key}) {
    const {alg, method} = describe(key);
    header = {alg, kid: method, ...header};
    if(!header.kid) {
      delete header.kid;
    }
    return {
      token: alg === 'ES256K' ? await createJWS(payload, didJwtSigner(key), header) :
        await new jose.CompactSign(Buffer.from(JSON.stringify(payload))).setProtectedHeader(header).sign(privateKey(key))
    };
  },
  // verify finds the key by kid, and takes no algorithm but that key's. Audience
  // and times are jose's own checks.
  async verify({token, typ, audience}) {
    const {kid} = jose.decodeProtectedHeader(token);
    const {alg, jwk, method} = describe(kid);
    if(alg === 'ES256K') {
      const [x, y] = [jwk.x, jwk.y].map(c => Buffer.from(c, 'base64url'));
      const publicKeyHex = Buffer.concat([Buffer.of(4), x, y]).toString('hex');
      verifyJWS(token, {id: method, type: 'EcdsaSecp256k1VerificationKey2019', controller: kid.split('#')[0], publicKeyHex});
      const {header, payload} = decodeJWT(token);
      return {header, payload};
    }
    const {protectedHeader, payload} = await jose.jwtVerify(token, await jose.importJWK(jwk, alg), {algorithms: alg === 'EdDSA' ? [alg, 'Ed25519'] : [alg], typ, audience});
    return {header: protectedHeader, payload};
  },
  async credential11({payload, kid, key}) {
    const {alg, method} = describe(key);
    const header = kid ? {kid: method} : {};
    return {token: await createVerifiableCredentialJwt(payload, {did: key, signer: didJwtSigner(key), alg}, {header})};
  },
  async presentation11({payload, challenge, domain, key}) {
    const {alg, method} = describe(key);
    return {token: await createVerifiablePresentationJwt(payload, {did: key, signer: didJwtSigner(key), alg}, {challenge, domain, header: {kid: method}})};
  }
};

// COSE_Sign1 by Auth0, CBOR by cbor-x.
import {Algorithms, COSEKey, Headers, ProtectedHeaders, Sign1, UnprotectedHeaders} from '@auth0/cose';
import {describe, generate, privateJwk} from './keys.js';

const algorithms = {EdDSA: Algorithms.EdDSA, ES256: Algorithms.ES256, ES384: Algorithms.ES384};
const typ = 16;        // RFC 9596
const cwtClaims = 15;  // RFC 9597
const labels = {iss: 1, aud: 3, iat: 6, nonce: 10};

export const operations = {
  async generate({kind}) {
    return generate(kind);
  },
  async sign({payload, header, claims, unprotectedKid, key}) {
    const {alg, method} = describe(key);
    const kid = [Headers.KeyID, Buffer.from(header.kid ?? method)];
    const named = [[Headers.Algorithm, algorithms[alg]]];
    if(!unprotectedKid) {
      named.push(kid);
    }
    if(header.typ) {
      named.push([typ, header.typ]);
    }
    if(header.contentType) {
      named.push([Headers.ContentType, header.contentType]);
    }
    if(claims) {
      named.push([cwtClaims, new Map(Object.entries(claims).map(([name, value]) =>
        [labels[name], name === 'nonce' ? Buffer.from(value) : value]))]);
    }
    const message = await Sign1.sign(new ProtectedHeaders(named), new UnprotectedHeaders(unprotectedKid ? [kid] : []),
      Buffer.from(JSON.stringify(payload)), await COSEKey.fromJWK(privateJwk(key)).toKeyLike());
    return {message: Buffer.from(message.encode()).toString('base64')};
  },
  // verify finds the key by kid, or is told whose it is, and takes no algorithm but that key's.
  async verify({message, signer}) {
    const signed = Sign1.decode(Buffer.from(message, 'base64'));
    const kid = signed.kid && Buffer.from(signed.kid).toString();
    const {alg, jwk} = describe(signer ?? kid);
    await signed.verify(await COSEKey.fromJWK(jwk).toKeyLike(), {algorithms: [algorithms[alg]]});
    const claims = signed.protectedHeaders.get(cwtClaims) ?? new Map();
    return {
      kid, typ: signed.protectedHeaders.get(typ), contentType: signed.protectedHeaders.get(Headers.ContentType),
      claims: Object.fromEntries(Object.entries(labels).map(([name, label]) =>
        [name, name === 'nonce' && claims.has(label) ? Buffer.from(claims.get(label)).toString() : claims.get(label)])),
      payload: Buffer.from(signed.payload).toString('base64')
    };
  }
};

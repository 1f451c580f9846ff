// COSE_Sign1 by Auth0.
import {Algorithms, Headers, ProtectedHeaders, Sign1, UnprotectedHeaders, COSEKey} from '@auth0/cose';
import {describe, generate, privateJwk} from './keys.js';

const algorithms = {EdDSA: Algorithms.EdDSA, ES256: Algorithms.ES256, ES384: Algorithms.ES384};

export const operations = {
  async generate({kind}) {
    return generate(kind);
  },
  async sign({payload, typ, contentType, key}) {
    const {alg, method} = describe(key);
    const headers = [[Headers.Algorithm, algorithms[alg]], [Headers.KeyID, Buffer.from(method)]];
    if(typ) {
      headers.push([16, typ]); // RFC 9596
    }
    if(contentType) {
      headers.push([Headers.ContentType, contentType]);
    }
    const message = await Sign1.sign(new ProtectedHeaders(headers), new UnprotectedHeaders([]),
      Buffer.from(payload, 'base64'), await COSEKey.fromJWK(privateJwk(key)).toKeyLike());
    return {message: Buffer.from(message.encode()).toString('base64')};
  },
  async verify({message}) {
    const signed = Sign1.decode(Buffer.from(message, 'base64'));
    const kid = Buffer.from(signed.protectedHeaders.get(Headers.KeyID) ?? signed.kid).toString();
    const {alg, jwk} = describe(kid);
    await signed.verify(await COSEKey.fromJWK(jwk).toKeyLike(), {algorithms: [algorithms[alg]]});
    return {
      kid, typ: signed.protectedHeaders.get(16), contentType: signed.protectedHeaders.get(Headers.ContentType),
      payload: Buffer.from(signed.payload).toString('base64')
    };
  }
};

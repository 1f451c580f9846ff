// Token Status List by the Open Wallet Foundation's sd-jwt-js, in JWTs by jose and in
// CWTs by Auth0's COSE and cbor-x.
import * as jose from 'jose';
import {Algorithms, COSEKey, Headers, ProtectedHeaders, Sign1, UnprotectedHeaders} from '@auth0/cose';
import {Decoder, Encoder} from 'cbor-x';
import {StatusList, createHeaderAndPayload, getListFromStatusListJWT, getStatusListFromJWT} from '@sd-jwt/jwt-status-list';
import {describe, generate, privateJwk, privateKey} from './keys.js';

const claims = {sub: 2, exp: 4, iat: 6, ttl: 65534, status_list: 65533}; // Token Status List §5.2
const algorithms = {EdDSA: Algorithms.EdDSA, ES256: Algorithms.ES256, ES384: Algorithms.ES384};
const cbor = {mapsAsObjects: false, useRecords: false, tagUint8Array: false, useTag259ForMaps: false};

export const operations = {
  async generate({kind}) {
    return generate(kind);
  },
  async publish({statuses, bits, payload, key}) {
    const {alg, method} = describe(key);
    const made = createHeaderAndPayload(new StatusList(statuses, bits), payload, {alg, kid: method});
    return {token: await new jose.SignJWT(made.payload).setProtectedHeader(made.header).sign(privateKey(key))};
  },
  async read({token, uri, indexes}) {
    const {kid} = jose.decodeProtectedHeader(token);
    const {alg, jwk} = describe(kid);
    await jose.jwtVerify(token, await jose.importJWK(jwk, alg), {algorithms: [alg], typ: 'statuslist+jwt', subject: uri});
    const list = getListFromStatusListJWT(token);
    return {bits: list.getBitsPerStatus(), length: list.statusList.length, statuses: indexes.map(index => list.getStatus(index))};
  },
  async publishCWT({statuses, bits, payload, key}) {
    const {alg, method} = describe(key);
    const lst = Buffer.from(new StatusList(statuses, bits).compressStatusList(), 'base64url');
    const map = new Map(Object.entries(payload).filter(([name]) => name in claims).map(([name, value]) => [claims[name], value]));
    map.set(claims.status_list, new Map([['bits', bits], ['lst', lst]]));
    const headers = new ProtectedHeaders([
      [Headers.Algorithm, algorithms[alg]], [Headers.KeyID, Buffer.from(method)], [16, 'application/statuslist+cwt']
    ]);
    const message = await Sign1.sign(headers, new UnprotectedHeaders([]), new Encoder(cbor).encode(map), await COSEKey.fromJWK(privateJwk(key)).toKeyLike());
    return {message: Buffer.from(message.encode()).toString('base64')};
  },
  async readCWT({message, uri, indexes}) {
    const signed = Sign1.decode(Buffer.from(message, 'base64'));
    const {alg, jwk} = describe(Buffer.from(signed.kid).toString());
    await signed.verify(await COSEKey.fromJWK(jwk).toKeyLike(), {algorithms: [algorithms[alg]]});
    const map = new Decoder(cbor).decode(signed.payload);
    if(signed.protectedHeaders.get(16) !== 'application/statuslist+cwt' || map.get(claims.sub) !== uri) {
      throw new Error('another kind of token, or another list');
    }
    const packed = map.get(claims.status_list);
    const list = StatusList.decompressStatusList(Buffer.from(packed.get('lst')).toString('base64url'), packed.get('bits'));
    return {bits: packed.get('bits'), length: list.statusList.length, statuses: indexes.map(index => list.getStatus(index))};
  },
  async reference({token}) {
    return {reference: getStatusListFromJWT(token)};
  }
};

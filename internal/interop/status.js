// Token Status List by the Open Wallet Foundation's sd-jwt-js, its JWTs by jose.
import * as jose from 'jose';
import {StatusList, createHeaderAndPayload, getListFromStatusListJWT, getStatusListFromJWT} from '@sd-jwt/jwt-status-list';
import {describe, generate, privateKey} from './keys.js';

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
  async reference({token}) {
    return {reference: getStatusListFromJWT(token)};
  }
};

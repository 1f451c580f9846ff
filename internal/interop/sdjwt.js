// SD-JWT and SD-JWT VC by the Open Wallet Foundation's sd-jwt-js.
import {FlattenJSON, GeneralJSON, SDJwtInstance} from '@sd-jwt/core';
import {SDJwtVcInstance} from '@sd-jwt/sd-jwt-vc';
import {createHash, randomBytes} from 'node:crypto';
import {describe, generate, signer, verifier} from './keys.js';

const hasher = (data, alg) => createHash(alg.replace('-', '')).update(data instanceof ArrayBuffer ? Buffer.from(data) : data).digest();
const saltGenerator = length => randomBytes(length).toString('base64url');

// An instance for the kind of credential that typ names.
function instance(typ, config) {
  return new (typ === 'dc+sd-jwt' ? SDJwtVcInstance : SDJwtInstance)({hasher, saltGenerator, ...config});
}

// frameOf makes a presentation frame of paths such as "a.b", or [path of an array,
// value of one of its elements]: sd-jwt-js counts elements with the decoys among them.
async function frameOf(token, show) {
  const one = path => path.split('.').reduceRight((inner, name) => ({[name]: inner}), true);
  const frame = {};
  const add = (into, from) => Object.entries(from).forEach(([name, inner]) => {
    into[name] = inner === true ? into[name] ?? true : add(typeof into[name] === 'object' ? into[name] : {}, inner);
  }) ?? into;
  for(const what of show) {
    if(typeof what === 'string') {
      add(frame, one(what));
      continue;
    }
    const [path, value] = what;
    for(const key of await instance('', {}).presentableKeys(token)) {
      if(key.startsWith(path + '.') && /^\d+$/.test(key.slice(path.length + 1))) {
        const shown = await instance('', {}).present(token, one(key));
        const element = JSON.parse(Buffer.from(shown.split('~').at(-2), 'base64url'))[1];
        if(element === value) {
          add(frame, one(key));
        }
      }
    }
  }
  return frame;
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
  async present({typ, token, show, key, nonce, audience, iat}) {
    const holder = instance(typ, {kbSigner: signer(key), kbSignAlg: describe(key).alg});
    return {token: await holder.present(token, await frameOf(token, show), {kb: {payload: {nonce, aud: audience, iat}}})};
  },
  // The two JSON serializations of a token in the compact one, and back.
  async toJSON({token}) {
    return {
      flattened: FlattenJSON.fromEncode(token).toJson(),
      general: GeneralJSON.fromEncode(token).toJson()
    };
  },
  async fromJSON({flattened}) {
    return {token: FlattenJSON.fromSerialized(flattened).toEncoded()};
  },
  // verify takes the issuer's key from the JWT's kid, the holder's from its cnf.
  // statusList is the Status List Token of the same issuer that its status claim names.
  async verify({typ, token, nonce, statusList}) {
    const {kid} = JSON.parse(Buffer.from(token.split('.')[0], 'base64url'));
    const reader = instance(typ, {
      verifier: verifier(describe(kid).jwk),
      statusListFetcher: async () => statusList,
      kbVerifier: (data, signature, payload) =>
        verifier(payload.cnf.jwk ?? describe(payload.cnf.kid).jwk)(data, signature)
    });
    const {payload, header, kb} = await reader.verify(token, {keyBindingNonce: nonce});
    return {payload, header, binding: kb?.payload};
  }
};

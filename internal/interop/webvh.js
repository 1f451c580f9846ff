// did:webvh logs by didwebvh-ts of the Decentralized Identity Foundation. Update keys and witnesses are
// those of keys.js.
import {createPublicKey, verify as verifyBytes} from 'node:crypto';
import {
  AbstractCrypto, createDID, deactivateDID, deriveNextKeyHash, generateParallelDidWeb, multibaseEncode, MultibaseEncoding,
  prepareDataForSigning, resolveDIDFromLog, signWitnessProofEntries, updateDID
} from 'didwebvh-ts';
import {describe, generate, signer} from './keys.js';

const multikey = id => id.slice('did:key:'.length);

// Crypto signs by a key of keys.js, and verifies with node's Ed25519.
class Crypto extends AbstractCrypto {
  constructor(key) {
    super({verificationMethod: key && {id: describe(key).method, type: 'Multikey', publicKeyMultibase: multikey(key)}});
    this.key = key;
  }
  async sign({document, proof}) {
    const data = await prepareDataForSigning(document, proof);
    const signature = Buffer.from(await signer(this.key)(data), 'base64url');
    return {proofValue: multibaseEncode(signature, MultibaseEncoding.BASE58_BTC)};
  }
  async verify(signature, message, publicKey) {
    const key = createPublicKey({key: {kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey).toString('base64url')}, format: 'jwk'});
    return verifyBytes(null, Buffer.from(message), key, Buffer.from(signature));
  }
}

// What the library does not take as an argument it fetches: the proofs of witnesses, before it adds to a log.
let published = [];
globalThis.fetch = async() => ({ok: true, json: async() => published});

const read = log => log.split('\n').filter(line => line).map(line => JSON.parse(line));
const written = ({did, log}) => ({did, log: log.map(entry => JSON.stringify(entry) + '\n').join('')});
const keyed = key => ({signer: new Crypto(key), verifier: new Crypto()});

export const operations = {
  async generate() {
    return generate('Ed25519');
  },
  async nextKeyHash({key}) {
    return {hash: await deriveNextKeyHash(multikey(key))};
  },
  // create, update and deactivate pass on what the library takes: portable, nextKeyHashes, witness,
  // witnessProofs, services, domain and so on.
  async create({key, updateKeys = [key], methods = [key], ...options}) {
    return written(await createDID({
      ...keyed(key), ...options, updateKeys: updateKeys.map(multikey),
      verificationMethods: methods.map(id => ({type: 'Multikey', publicKeyMultibase: multikey(id), purpose: 'assertionMethod'}))
    }));
  },
  async update({log, key, updateKeys, methods, ...options}) {
    published = options.witnessProofs ?? [];
    return written(await updateDID({
      log: read(log), ...keyed(key), ...options,
      ...updateKeys && {updateKeys: updateKeys.map(multikey)},
      ...methods && {verificationMethods: methods.map(id => ({type: 'Multikey', publicKeyMultibase: multikey(id), purpose: 'assertionMethod'}))}
    }));
  },
  async deactivate({log, key, ...options}) {
    published = options.witnessProofs ?? [];
    return written(await deactivateDID({log: read(log), ...keyed(key), ...options}));
  },
  async witness({versionIds, keys, created}) {
    const signers = Object.fromEntries(keys.map(key => [key, new Crypto(key)]));
    return {proofs: await signWitnessProofEntries(versionIds, keys.map(id => ({id})), signers, created)};
  },
  // parallel returns the did:web document that is published beside the log.
  async parallel({did, document}) {
    return {document: generateParallelDidWeb(did, document)};
  },
  // resolve throws where the library refuses, also where it says so in metadata.
  async resolve({log, witnessProofs = [], did, ...options}) {
    published = [];
    if(options.versionTime) {
      options.versionTime = new Date(options.versionTime);
    }
    const result = await resolveDIDFromLog(read(log), {...options, requestedDid: did, witnessProofs, verifier: new Crypto()});
    if(result.meta.error) {
      throw new Error(`${result.meta.error}: ${result.meta.problemDetails?.detail}`);
    }
    return {did: result.did, document: result.doc, meta: result.meta};
  }
};

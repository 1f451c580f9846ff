// A Data Integrity implementation of another maker (Digital Bazaar), driven by
// the Go tests of this folder: one JSON request a line on stdin, one JSON answer
// a line on stdout. Opens no connection: contexts and did:key documents are
// answered from memory.
import * as EcdsaMultikey from '@digitalbazaar/ecdsa-multikey';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import * as ecdsa from '@digitalbazaar/ecdsa-jcs-2019-cryptosuite';
import * as eddsa from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import canonicalize from 'canonicalize';
import jsigs from 'jsonld-signatures';
import {createInterface} from 'node:readline';

const {purposes: {AssertionProofPurpose, AuthenticationProofPurpose}} = jsigs;
const suites = {'eddsa-jcs-2022': [eddsa, Ed25519Multikey], 'ecdsa-jcs-2019': [ecdsa, EcdsaMultikey]};

async function documentLoader(url) {
  const [did, fragment] = url.split('#');
  if(!did.startsWith('did:key:')) {
    throw new Error(`not loaded: ${url}`);
  }
  const multikey = did.slice('did:key:'.length);
  const method = {
    '@context': 'https://w3id.org/security/multikey/v1',
    id: `${did}#${multikey}`, type: 'Multikey', controller: did, publicKeyMultibase: multikey
  };
  const document = fragment ? method : {
    '@context': ['https://www.w3.org/ns/did/v1', 'https://w3id.org/security/multikey/v1'],
    id: did, verificationMethod: [method], assertionMethod: [method.id], authentication: [method.id]
  };
  return {contextUrl: null, documentUrl: url, document};
}

function purposeOf({challenge, domain, controller}) {
  return challenge ?
    new AuthenticationProofPurpose({challenge, domain, controller}) :
    new AssertionProofPurpose({controller});
}

const operations = {
  async verify({document, challenge, domain}) {
    const {cryptosuite} = [document.proof].flat()[0];
    const suite = new DataIntegrityProof({cryptosuite: suites[cryptosuite][0].createVerifyCryptosuite()});
    const result = await jsigs.verify(document, {suite, purpose: purposeOf({challenge, domain}), documentLoader});
    const why = result.error?.errors?.map(e => e.cause?.message ?? e.message).join('; ') ?? result.error?.message;
    return {verified: result.verified, error: result.verified ? undefined : String(why)};
  },
  async generate({cryptosuite, curve}) {
    const pair = await suites[cryptosuite][1].generate(curve ? {curve} : {});
    const exported = await pair.export({publicKey: true, secretKey: true});
    const {publicKeyMultibase, secretKeyMultibase} = exported;
    return {publicKeyMultibase, secretKeyMultibase};
  },
  async sign({document, cryptosuite, key, challenge, domain}) {
    const controller = `did:key:${key.publicKeyMultibase}`;
    const pair = await suites[cryptosuite][1].from({
      '@context': 'https://w3id.org/security/multikey/v1', type: 'Multikey',
      id: `${controller}#${key.publicKeyMultibase}`, controller, ...key
    });
    const suite = new DataIntegrityProof({signer: pair.signer(), cryptosuite: suites[cryptosuite][0].createSignCryptosuite()});
    return {document: await jsigs.sign(document, {suite, purpose: purposeOf({challenge, domain}), documentLoader})};
  },
  async canonicalize({text}) {
    return {text: canonicalize(JSON.parse(text))};
  }
};

for await (const line of createInterface({input: process.stdin})) {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = await operations[request.op](request);
  } catch(e) {
    answer = {error: e.message};
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}

// Data Integrity by Digital Bazaar: @digitalbazaar/vc over jsonld-signatures,
// jsonld.js and rdf-canonize.
import * as EcdsaMultikey from '@digitalbazaar/ecdsa-multikey';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import * as ecdsaJcs from '@digitalbazaar/ecdsa-jcs-2019-cryptosuite';
import * as ecdsaSd from '@digitalbazaar/ecdsa-sd-2023-cryptosuite';
import * as eddsaJcs from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import * as vc from '@digitalbazaar/vc';
import jsigs from 'jsonld-signatures';
import {cryptosuite as ecdsaRdfc} from '@digitalbazaar/ecdsa-rdfc-2019-cryptosuite';
import {cryptosuite as eddsaRdfc} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {Ed25519Signature2020} from '@digitalbazaar/ed25519-signature-2020';
import {BitstringStatusList, checkStatus, createCredential} from '@digitalbazaar/vc-bitstring-status-list';

const {AssertionProofPurpose} = jsigs.purposes;

const cryptosuites = {
  'eddsa-jcs-2022': {sign: () => eddsaJcs.createSignCryptosuite(), verify: () => eddsaJcs.createVerifyCryptosuite()},
  'ecdsa-jcs-2019': {sign: () => ecdsaJcs.createSignCryptosuite(), verify: () => ecdsaJcs.createVerifyCryptosuite()},
  'eddsa-rdfc-2022': {sign: () => eddsaRdfc, verify: () => eddsaRdfc},
  'ecdsa-rdfc-2019': {sign: () => ecdsaRdfc, verify: () => ecdsaRdfc},
  'ecdsa-sd-2023': {sign: o => ecdsaSd.createSignCryptosuite(o), verify: () => ecdsaSd.createVerifyCryptosuite()}
};

const documents = new Map(); // URL → context or status list
const pairs = new Map();     // DID → key pair

async function documentLoader(url) {
  if(documents.has(url)) {
    return {contextUrl: null, documentUrl: url, document: documents.get(url)};
  }
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

function signSuite({cryptosuite, key, mandatoryPointers}) {
  if(cryptosuite === 'Ed25519Signature2020') {
    const suite = new Ed25519Signature2020({signer: pairs.get(key).signer()});
    suite.verificationMethod = pairs.get(key).id;
    return suite;
  }
  return new DataIntegrityProof({
    signer: pairs.get(key).signer(), cryptosuite: cryptosuites[cryptosuite].sign({mandatoryPointers})
  });
}

// Each proof is held to its own suite: one suite that fits would do for jsonld-signatures.
function verifySuites(document) {
  const names = [document, ...[document.verifiableCredential ?? []].flat()]
    .flatMap(d => [d.proof ?? []].flat()).map(p => p.cryptosuite ?? p.type);
  return [...new Set(names)].map(name => name === 'Ed25519Signature2020' ? new Ed25519Signature2020() :
    new DataIntegrityProof({cryptosuite: cryptosuites[name].verify()}));
}

const reasons = e => e && (e.errors ? e.errors.map(reasons).join('; ') : [e.message, reasons(e.cause)].filter(Boolean).join(': '));

// jsonld-signatures takes a document of which one proof holds. Here all have to.
function verdict({verified, results = [], presentationResult, credentialResults = [], statusResult, error}) {
  const all = [...results, ...presentationResult?.results ?? [], ...credentialResults.flatMap(c => c.results ?? [])];
  verified = verified && all.length > 0 && all.every(r => r.verified);
  const why = [error, statusResult?.error, ...credentialResults.map(c => c.error), ...all.map(r => r.error)];
  return {verified, error: verified ? undefined : why.map(reasons).filter(Boolean).join('; ') || 'not verified'};
}

export const operations = {
  async load({documents: list}) {
    for(const [url, text] of Object.entries(list)) {
      documents.set(url, JSON.parse(text));
    }
    return {};
  },
  async generate({kind}) {
    const pair = kind === 'Ed25519' ? await Ed25519Multikey.generate() : await EcdsaMultikey.generate({curve: kind});
    pair.controller = `did:key:${pair.publicKeyMultibase}`;
    pair.id = `${pair.controller}#${pair.publicKeyMultibase}`;
    pairs.set(pair.controller, pair);
    return {id: pair.controller};
  },
  // Who countersigns is not the issuer.
  async issue({document, countersign, ...how}) {
    const suite = signSuite(how);
    return {
      document: countersign ? await jsigs.sign(document, {suite, purpose: new AssertionProofPurpose(), documentLoader}) :
        await vc.issue({credential: document, suite, documentLoader})
    };
  },
  async derive({document, selectivePointers}) {
    const suite = new DataIntegrityProof({cryptosuite: ecdsaSd.createDiscloseCryptosuite({selectivePointers})});
    return {document: await vc.derive({verifiableCredential: document, suite, documentLoader})};
  },
  async verify({document, countersigned}) {
    return verdict(await vc.verifyCredential({
      credential: document, suite: verifySuites(document), documentLoader, checkStatus: statusOf,
      purpose: countersigned ? new AssertionProofPurpose() : undefined
    }));
  },
  async present({credentials, holder, version, challenge, domain, ...how}) {
    const presentation = vc.createPresentation({verifiableCredential: credentials, holder, version});
    return {document: await vc.signPresentation({presentation, suite: signSuite(how), challenge, domain, documentLoader})};
  },
  async verifyPresentation({document, challenge, domain}) {
    return verdict(await vc.verify({presentation: document, suite: verifySuites(document), challenge, domain, documentLoader}));
  },

  // Bitstring Status List, by @digitalbazaar/vc-bitstring-status-list.
  async publish({id, issuer, length, set, purpose, ...how}) {
    const list = new BitstringStatusList({length});
    set.forEach(index => list.setStatus(index, true));
    const credential = {...await createCredential({id, list, statusPurpose: purpose}), issuer};
    return {document: await vc.issue({credential, suite: signSuite(how), documentLoader})};
  },
  async read({encodedList, indexes}) {
    const list = await BitstringStatusList.decode({encodedList});
    return {length: list.length, statuses: indexes.map(index => list.getStatus(index))};
  }
};

// checkStatus answers what the bits are; what they mean is up to its caller.
async function statusOf({credential}) {
  const list = await documentLoader([credential.credentialStatus].flat()[0].statusListCredential);
  const result = await checkStatus({credential, documentLoader, suite: verifySuites(list.document)});
  const set = result.results?.filter(r => r.status).map(r => r.credentialStatus.statusPurpose) ?? [];
  return set.length ? {verified: false, error: new Error(`status set: ${set}`)} : result;
}

// DID documents by other makers: did:key of Digital Bazaar (Ed25519, X25519 within, P-256, P-384) and of
// Ceramic (also secp256k1 and P-521), did:peer of Aviary Tech, did:pkh of Ceramic.
import * as peer from '@aviarytech/did-peer';
import * as EcdsaMultikey from '@digitalbazaar/ecdsa-multikey';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import * as keyResolver from 'key-did-resolver';
import * as pkhResolver from 'pkh-did-resolver';
import {Resolver} from 'did-resolver';
import {driver} from '@digitalbazaar/did-method-key';

const digitalBazaar = driver();
digitalBazaar.use({multibaseMultikeyHeader: 'z6Mk', fromMultibase: Ed25519Multikey.from});
for(const header of ['zDna', 'z82L']) {
  digitalBazaar.use({multibaseMultikeyHeader: header, fromMultibase: EcdsaMultikey.from});
}
const ceramic = new Resolver({...keyResolver.getResolver(), ...pkhResolver.getResolver()});

export const operations = {
  async resolveKey({did}) {
    return {document: await digitalBazaar.get({did})};
  },
  async resolve({did}) {
    const {didDocument, didResolutionMetadata: {error, message}} = await ceramic.resolve(did);
    if(!didDocument) {
      throw new Error(`${error}: ${message}`);
    }
    return {document: didDocument};
  },
  async resolvePeer({did}) {
    return {document: await peer.resolve(did)};
  },
  // createPeer takes keys as Multikeys.
  async createPeer({numalgo, authentication, agreement, services}) {
    const key = type => publicKeyMultibase => ({type, publicKeyMultibase});
    return {did: await peer.create(numalgo, authentication.map(key('Ed25519VerificationKey2020')),
      agreement?.map(key('X25519KeyAgreementKey2020')), services)};
  }
};

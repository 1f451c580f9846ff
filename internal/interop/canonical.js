// Canonical forms and RDF: canonicalize (RFC 8785), rdf-canonize (RDFC-1.0) and
// jsonld.js (JSON-LD 1.1).
import canonicalize from 'canonicalize';
import {canonize} from 'rdf-canonize';
import jsonld from 'jsonld';

const documents = new Map();

async function documentLoader(url) {
  if(!documents.has(url)) {
    throw new Error(`not loaded: ${url}`);
  }
  return {contextUrl: null, documentUrl: url, document: documents.get(url)};
}

export const operations = {
  async load({documents: list}) {
    for(const [url, text] of Object.entries(list)) {
      documents.set(url, JSON.parse(text));
    }
    return {};
  },
  async canonicalize({text}) {
    return {text: canonicalize(JSON.parse(text))};
  },
  async canonize({dataset, hash, maxWorkFactor = Infinity}) {
    return {
      canonical: await canonize(dataset, {
        algorithm: 'RDFC-1.0', inputFormat: 'application/n-quads', messageDigestAlgorithm: hash, maxWorkFactor
      })
    };
  },
  // Safe mode: what would be dropped is an error.
  async canonizeJSON({text, rdfDirection}) {
    return {
      canonical: await jsonld.canonize(JSON.parse(text), {
        algorithm: 'RDFC-1.0', format: 'application/n-quads', safe: true, base: null, documentLoader, rdfDirection
      })
    };
  }
};

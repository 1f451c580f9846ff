// Resolution over HTTP. As a client: did-resolver of the Decentralized Identity Foundation, asking an
// endpoint as Universal Resolvers are asked. As a server: the same over TLS, answering for Ceramic's
// did:key under other names, and a host of files. Listens on loopback only.
import {createServer} from 'node:https';
import * as keyResolver from 'key-did-resolver';
import {Resolver} from 'did-resolver';

const {key} = keyResolver.getResolver();

// A did:example is a did:key under another name: one with a document that this resolver only has. That
// of "gone" is deactivated, "swapped" has the document of somebody else, and "down" finds no answer.
const example = async(id, parsed, resolver) => {
  const [name, multikey] = parsed.id.split(':');
  switch(name) {
    case 'gone':
      return {didResolutionMetadata: {}, didDocument: null, didDocumentMetadata: {deactivated: true}};
    case 'none':
      return {didResolutionMetadata: {error: 'notFound'}, didDocument: null, didDocumentMetadata: {}};
    case 'down':
      return {didResolutionMetadata: {error: 'internalError', message: 'no route'}, didDocument: null, didDocumentMetadata: {}};
  }
  const result = await key(`did:key:${multikey}`, {...parsed, did: `did:key:${multikey}`, id: multikey}, resolver, {});
  if(name === 'swapped') {
    id = 'did:example:another';
  }
  const text = JSON.stringify(result.didDocument).replaceAll(`did:key:${multikey}`, id);
  return {...result, didDocument: JSON.parse(text)};
};

const files = new Map(); // by path
const statuses = {invalidDid: 400, notFound: 404, unsupportedDidMethod: 501};

async function answer(request, response) {
  const {pathname} = new URL(request.url, 'https://resolver.example');
  if(!pathname.startsWith('/1.0/identifiers/')) {
    response.writeHead(files.has(pathname) ? 200 : 404, {'Content-Type': 'text/plain'}).end(files.get(pathname));
    return;
  }
  const result = await new Resolver({key, example}).resolve(decodeURIComponent(pathname.slice('/1.0/identifiers/'.length)));
  const {error} = result.didResolutionMetadata;
  const status = error ? statuses[error] ?? 500 : result.didDocumentMetadata.deactivated ? 410 : 200;
  const type = 'application/ld+json;profile="https://w3id.org/did-resolution"';
  response.writeHead(status, {'Content-Type': type}).end(JSON.stringify(result));
}

export const operations = {
  // resolve asks endpoint for a DID, with the query that is in it.
  async resolve({endpoint, did, accept}) {
    let status, type;
    const ask = async(id, parsed) => {
      const query = parsed.query ? '?' + parsed.query : '';
      const response = await fetch(endpoint + id + query, {headers: {Accept: accept ?? 'application/did-resolution'}});
      status = response.status;
      type = response.headers.get('Content-Type');
      const result = await response.json();
      // A document alone is what a client gets that asked for one.
      return result.didResolutionMetadata ? result : {didResolutionMetadata: {}, didDocument: result, didDocumentMetadata: {}};
    };
    const result = await new Resolver({key: ask, jwk: ask, webvh: ask, unknown: ask}).resolve(did);
    return {status, type, ...result};
  },
  async serve({cert, key}) {
    const server = createServer({cert, key}, (request, response) => {
      answer(request, response).catch(e => response.writeHead(500).end(String(e)));
    });
    server.on('connection', socket => socket.unref()).unref(); // the process ends with its stdin
    await new Promise(listening => server.listen(0, '127.0.0.1', listening));
    return {port: server.address().port};
  },
  // publish has the server give these files, and no others.
  async publish({texts}) {
    files.clear();
    for(const [path, text] of Object.entries(texts)) {
      files.set(path, text);
    }
    return {};
  }
};

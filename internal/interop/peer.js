// The other makers' side of the tests of this folder: `node peer.js FAMILY` runs
// the operations of FAMILY.js, one JSON request a line on stdin, one JSON answer
// a line on stdout. Connects to loopback at most: contexts are handed over by the tests,
// did:key documents are made here, and keys stay in the process that made them.
import {createInterface} from 'node:readline';

const {operations} = await import(`./${process.argv[2]}.js`);

for await (const line of createInterface({input: process.stdin})) {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = await operations[request.op](request);
  } catch(e) {
    answer = {error: String(e.message || e)};
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}

// A decent server: told to end it takes no more connections and finishes those it has.
import { createServer } from 'node:http';

const server = createServer((_request, answer) => {
  answer.end('ok\n');
});
server.listen(8080);
process.once('SIGTERM', () => server.close());

// A program of its own: hands requests on to a registry and lets big answers trickle. It says a line when it listens.
// Arguments: address and port to listen on, host of the registry, bytes a second.
import { createServer, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

const [address, port, target, rate] = process.argv.slice(2);
const [host, targetPort] = target!.split(':');
const SMALL = 64 << 10;

createServer((req, res) => {
  const headers = { ...req.headers, host: target };
  const onward = request({ host, port: targetPort, path: req.url, method: req.method, headers }, async (answer) => {
    res.writeHead(answer.statusCode ?? 502, answer.headers);
    try {
      for await (const chunk of answer) {
        res.write(chunk);
        if (Number(answer.headers['content-length'] ?? 0) > SMALL) await pause((chunk.length * 1_000) / Number(rate));
      }
    } finally {
      res.end();
    }
  });
  onward.on('error', () => res.destroy());
  req.pipe(onward);
}).listen(Number(port), address, () => process.stdout.write('listening\n'));

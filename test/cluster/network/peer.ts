// test: a process inside a network namespace that serves and connects as it is told, one JSON line per command.
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

export type Command =
  | { do: 'serve'; protocol: 'tcp' | 'udp'; host: string; port: number; name: string }
  | {
      do: 'ask';
      protocol: 'tcp' | 'udp';
      host: string;
      port: number;
      local?: string;
      localPort?: number;
      times?: number;
    };

const TIMEOUT_MS = 1_500;

function serve({ protocol, host, port, name }: Extract<Command, { do: 'serve' }>): Promise<string[]> {
  const { promise, resolve, reject } = Promise.withResolvers<string[]>();
  const done = () => resolve(['serving']);
  if (protocol === 'tcp') {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.end(`${name} ${socket.remoteAddress}`);
    });
    server.on('error', reject).listen(port, host, done);
  } else {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    socket.on('message', (_, from) => socket.send(`${name} ${from.address}`, from.port, from.address));
    socket.on('error', reject).bind(port, host, done);
  }
  return promise;
}

/** The answer `name client-address-as-seen`, or an error code, or `timeout`. */
function ask({ protocol, host, port, local, localPort }: Extract<Command, { do: 'ask' }>): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  if (protocol === 'tcp') {
    let text = '';
    const socket = connect({ host, port, localAddress: local, localPort, timeout: TIMEOUT_MS });
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', (err: NodeJS.ErrnoException) => resolve(err.code ?? err.message));
    socket.on('timeout', () => {
      resolve('timeout');
      socket.destroy();
    });
    socket.on('close', () => resolve(text));
  } else {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
    const finish = (text: string) => {
      clearTimeout(timer);
      resolve(text);
      socket.close();
    };
    const timer = setTimeout(() => finish('timeout'), TIMEOUT_MS);
    socket.on('error', (err: NodeJS.ErrnoException) => finish(err.code ?? err.message));
    socket.on('message', (data) => finish(data.toString()));
    // A connected socket hears of ICMP errors.
    socket.bind(localPort ?? 0, local, () => socket.connect(port, host, () => socket.send('?')));
  }
  return promise;
}

if (process.argv[2] === 'peer') {
  const lines = createInterface({ input: process.stdin });
  lines.on('line', async (line) => {
    const command = JSON.parse(line) as Command;
    const answers: string[] = [];
    try {
      if (command.do === 'serve') answers.push(...(await serve(command)));
      else for (let i = 0; i < (command.times ?? 1); i++) answers.push(await ask(command));
    } catch (err) {
      answers.push(String(err));
    }
    console.log(JSON.stringify(answers));
  });
  lines.on('close', () => process.exit(0));
  console.log(JSON.stringify(['ready']));
}

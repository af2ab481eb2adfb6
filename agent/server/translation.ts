// WebSocket clients that the runtime does not understand, put into the SPDY it does. `v5.channel.k8s.io` numbers the
// streams of a command and can close stdin alone; `SPDY/3.1+portforward.k8s.io` is SPDY in messages. Pure: what is
// said to either side when one of them has said something.

import { Problem } from './problem.ts';
import { dataFrames, endFrame, SpdyOpener, SpdyReader } from './spdy.ts';
import type { Streams, Translated } from './stream-options.ts';
import { binaryFrame, closeFrame, pongFrame, type WebSocketEvent, WebSocketReader } from './websocket.ts';

export interface Said {
  readonly toClient: Buffer[];
  readonly toRuntime: Buffer[];
  /** The client has taken its leave. */
  over: boolean;
}

export interface Translation {
  /** Of the WebSocket. */
  readonly protocol: Translated;
  /** Asked of the runtime as X-Stream-Protocol-Version. */
  readonly version: string;
  /** Said to the runtime first. */
  opening(): readonly Buffer[];
  fromClient(chunk: Buffer): Said;
  fromRuntime(chunk: Buffer): Said;
}

export function translationOf(protocol: Translated, streams: Streams | undefined): Translation {
  return streams === undefined ? new TunnelledSpdy(protocol) : new RemoteCommand(protocol, streams);
}

const nothing = (): Said => ({ toClient: [], toRuntime: [], over: false });

/** What concerns the WebSocket itself; data goes to `take`. */
function hear(events: readonly WebSocketEvent[], said: Said, take: (bytes: Buffer, begins: boolean) => void): Said {
  for (const event of events) {
    if (event.is === 'data') take(event.bytes, event.begins);
    else if (event.is === 'ping') said.toClient.push(...pongFrame(event.bytes));
    else {
      said.toClient.push(closeFrame());
      said.over = true;
      break;
    }
  }
  return said;
}

class TunnelledSpdy implements Translation {
  readonly protocol: Translated;
  readonly version = 'portforward.k8s.io';
  readonly #reader = new WebSocketReader();

  constructor(protocol: Translated) {
    this.protocol = protocol;
  }

  opening(): readonly Buffer[] {
    return [];
  }

  fromClient(chunk: Buffer): Said {
    const said = nothing();
    return hear(this.#reader.push(chunk), said, (bytes) => said.toRuntime.push(bytes));
  }

  fromRuntime(chunk: Buffer): Said {
    return { ...nothing(), toClient: binaryFrame(chunk) };
  }
}

const CHANNELS = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
type StreamType = keyof typeof CHANNELS;
/** Followed by the number of the channel on which the client says no more. */
const CLOSING = 255;

class RemoteCommand implements Translation {
  readonly protocol: Translated;
  readonly version = 'v4.channel.k8s.io';
  readonly #types: readonly StreamType[];
  readonly #reader = new WebSocketReader();
  readonly #runtime = new SpdyReader();
  readonly #streams = new Map<number, number>();
  readonly #channels = new Map<number, Buffer>();
  /** Of the message that is being read. */
  #channel: number | undefined;

  constructor(protocol: Translated, { stdin, stdout, stderr, tty }: Streams) {
    this.protocol = protocol;
    const wanted = { error: true, stdin, stdout, stderr: stderr && !tty, resize: tty };
    this.#types = (Object.keys(wanted) as StreamType[]).filter((type) => wanted[type]);
  }

  opening(): readonly Buffer[] {
    const opener = new SpdyOpener();
    return this.#types.map((type) => {
      const { stream, frame } = opener.open({ streamtype: type });
      this.#streams.set(CHANNELS[type], stream);
      this.#channels.set(stream, Buffer.from([CHANNELS[type]]));
      return frame;
    });
  }

  fromClient(chunk: Buffer): Said {
    const said = nothing();
    return hear(this.#reader.push(chunk), said, (bytes, begins) => {
      if (begins) this.#channel = bytes[0]!;
      this.#forward(this.#channel!, begins ? bytes.subarray(1) : bytes, said);
    });
  }

  #forward(channel: number, bytes: Buffer, { toRuntime }: Said): void {
    if (channel === CLOSING) {
      for (const closed of bytes) toRuntime.push(endFrame(this.#stream(closed)));
    } else if (bytes.length > 0) {
      toRuntime.push(...dataFrames(this.#stream(channel), bytes));
    }
  }

  #stream(channel: number): number {
    const stream = this.#streams.get(channel);
    if (stream === undefined) throw new Problem(400, `channel ${channel} is none of this conversation's`);
    return stream;
  }

  fromRuntime(chunk: Buffer): Said {
    const said = nothing();
    for (const event of this.#runtime.push(chunk)) {
      if (event.is === 'ping') said.toRuntime.push(event.frame);
      else if (event.is === 'data') {
        const channel = this.#channels.get(event.stream);
        if (channel !== undefined) said.toClient.push(...binaryFrame(channel, event.bytes));
      }
    }
    return said;
  }
}

// The two certificates of a node. It begins with the last one that was signed for it, else with the one that was issued
// on this machine, else by a bootstrap token; what is not its own by a request is replaced by one in the background.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '../../api/client/client.ts';
import type { Credentials } from '../../api/client/connection.ts';
import { HttpsClient } from '../../api/client/https-client.ts';
import { Transport } from '../../api/client/transport.ts';
import type { Clock } from '../../api/clock.ts';
import type { Logger } from '../../api/log.ts';
import { ipBytes, ipText } from '../../api/pki/names.ts';
import { newAuthority } from '../../api/pki/x509.ts';
import type { Random } from '../../api/random.ts';
import type { AgentConfig } from '../config.ts';
import { type Held, held, readHeld, writeHeld } from './held.ts';
import { type Names, planRenewal, retryMs } from './plan.ts';
import { Rotation } from './rotation.ts';

export interface CertificatesDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

type Config = Pick<AgentConfig, 'nodeName' | 'nodeIps' | 'api' | 'kubelet' | 'dataDir'>;

const STOPGAP_MS = 86_400_000;

export class Certificates {
  readonly #config: Config;
  readonly #deps: CertificatesDeps;
  readonly #ca: string;
  readonly #client: Rotation;
  readonly #serving: Rotation;
  /** Issued on this machine: what helps when the own one has expired. */
  #local: Held | undefined;
  readonly #stopgap: Held;

  private constructor(config: Config, deps: CertificatesDeps, found: Found) {
    this.#config = config;
    this.#deps = deps;
    this.#ca = found.ca;
    this.#local = found.local;
    const subject = { commonName: `system:node:${config.nodeName}`, organizations: ['system:nodes'] };
    const rotation = (file: string, first: Held | undefined, signer: string, purpose: string, names: Names) =>
      new Rotation({
        ...{ first, keep: (next: Held) => writeHeld(pathOf(config, file), next), ...deps },
        wanted: { signerName: `kubernetes.io/${signer}`, usages: ['digital signature', purpose], subject, names },
      });
    const none = { dns: [], ips: [] };
    const own = namesOf(config);
    this.#client = rotation('kubelet-client', found.client, 'kube-apiserver-client-kubelet', 'client auth', none);
    this.#serving = rotation('kubelet-server', found.serving, 'kubelet-serving', 'server auth', own);
    this.#stopgap = stopgap(config.nodeName, deps);
  }

  /** Returns when the node can show who it is; that waits for the API only at the very first join. */
  static async open(config: Config, deps: CertificatesDeps, signal: AbortSignal): Promise<Certificates> {
    const certificates = new Certificates(config, deps, await look(config, deps.clock.now()));
    await certificates.#join(signal);
    return certificates;
  }

  /** For a new connection to the API. */
  credentials(): Credentials {
    const now = this.#deps.clock.now();
    const own = this.#client.held;
    const shown = own !== undefined && now < own.notAfterMs ? own : (this.#local ?? own);
    if (shown === undefined) throw new Error('there is no client certificate yet');
    return { ca: this.#ca, cert: shown.certPem, key: shown.keyPem };
  }

  /** What port 10250 presents. */
  get serving(): { pair(): { cert: string; key: string }; changed(): Promise<void> } {
    return {
      pair: () => {
        const { certPem, keyPem } = this.#serving.held ?? this.#stopgap;
        return { cert: certPem, key: keyPem };
      },
      changed: () => this.#serving.changed(),
    };
  }

  /** Both loops, until the signal aborts. `renewed` lets go of connections that were made as before. */
  async keep(client: Client, renewed: () => void, signal: AbortSignal): Promise<void> {
    const tell = async () => {
      const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      for (let next = this.#client.changed(); !signal.aborted; next = this.#client.changed()) {
        await Promise.race([next, ended]);
        if (!signal.aborted) renewed();
      }
    };
    await Promise.all([this.#client.run(client, signal), this.#serving.run(client, signal), tell()]);
  }

  async #join(signal: AbortSignal): Promise<void> {
    const { api } = this.#config;
    const { clock, random, log } = this.#deps;
    if (this.#isAbleToAsk()) return;
    if (api.bootstrapToken === undefined) {
      if (this.#client.held !== undefined) return; // expired: the clock may be what is wrong
      throw new Error(`no certificate to join with: neither ${api.certFile} nor a bootstrap token is there`);
    }
    const credentials = () => ({ ca: this.#ca, token: api.bootstrapToken! });
    await using transport = new Transport({ server: api.url, credentials, userAgent: 'kubelet', clock });
    const stranger = new HttpsClient(transport, clock);
    for (let failures = 1; ; failures++) {
      try {
        await this.#client.ask(stranger, 'joining', signal);
        return;
      } catch (err) {
        signal.throwIfAborted();
        const waitMs = retryMs(failures, random.float());
        log.warn({ err, server: api.url, waitMs }, 'not joined yet');
        await clock.sleep(waitMs, signal);
      }
    }
  }

  #isAbleToAsk(): boolean {
    const now = this.#deps.clock.now();
    return [this.#client.held, this.#local].some((each) => each !== undefined && now < each.notAfterMs);
  }
}

interface Found {
  readonly ca: string;
  readonly client: Held | undefined;
  readonly local: Held | undefined;
  readonly serving: Held | undefined;
}

async function look(config: Config, nowMs: number): Promise<Found> {
  const { api, kubelet, nodeName } = config;
  const ca = await readFile(api.caFile, 'utf8');
  const commonName = `system:node:${nodeName}`;
  const own = { commonName, caBundle: ca, requested: true };
  const issued = { ...own, requested: false };
  const [ownClient, local, ownServing, localServing] = await Promise.all([
    readHeld([pathOf(config, 'kubelet-client')], own),
    readHeld([api.certFile, api.keyFile], issued),
    readHeld([pathOf(config, 'kubelet-server')], own),
    readHeld([kubelet.certFile, kubelet.keyFile], issued),
  ]);
  const lives = (each: Held | undefined) => (each !== undefined && nowMs < each.notAfterMs ? each : undefined);
  // One that lacks an address the node has now is worse than one issued on this machine a moment ago.
  const fits = ownServing && !('ask' in planRenewal(ownServing, namesOf(config), 1, nowMs)) ? ownServing : undefined;
  return { ca, client: lives(ownClient) ?? local ?? ownClient, local, serving: fits ?? localServing ?? ownServing };
}

function namesOf({ nodeName, nodeIps }: Config): Names {
  return { dns: [nodeName], ips: nodeIps.map((ip) => ipText(ipBytes(ip))) };
}

function pathOf({ dataDir }: Config, name: string): string {
  return join(dataDir, 'certificates', `${name}.pem`);
}

/** Nobody believes it, but the port answers until the first request was signed. */
function stopgap(nodeName: string, { random, clock }: CertificatesDeps): Held {
  const commonName = `${nodeName}@${Math.floor(clock.now() / 1000)}`;
  const made = newAuthority({ subject: { commonName }, validMs: STOPGAP_MS }, { random, nowMs: clock.now() });
  return held(made.certPem, made.keyPem, false);
}

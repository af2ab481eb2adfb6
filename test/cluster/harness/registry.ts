// A real registry (the distribution's docker-registry) on a test node, filled over its HTTP API. With `auth` it wants
// a user and a password, as registries behind image pull secrets do.
import type { Image } from '../../../cli/oci-image.ts';
import type { NodeNamespace, NodeProcess } from './node-namespace.ts';
import { exec } from './process.ts';
import { waitFor } from './wait.ts';

export interface RegistryOptions {
  port?: number;
  auth?: { user: string; password: string };
}

export class Registry implements AsyncDisposable {
  /** What image references begin with. */
  readonly host: string;
  readonly #process: NodeProcess;
  readonly #headers: Record<string, string>;

  private constructor(host: string, running: NodeProcess, headers: Record<string, string>) {
    this.host = host;
    this.#process = running;
    this.#headers = headers;
  }

  static async start(node: NodeNamespace, { port = 5000, auth }: RegistryOptions = {}): Promise<Registry> {
    const host = `${node.address}:${port}`;
    const dir = `/var/lib/skiff/test-registry-${port}`;
    await node.exec('mkdir', ['-p', dir]);
    if (auth !== undefined) await node.exec('tee', [`${dir}/htpasswd`], { input: await htpasswdLine(auth) });
    await node.exec('tee', [`${dir}/config.yml`], { input: JSON.stringify(config(dir, host, auth !== undefined)) });
    // Its log goes to a file of the node; tests look at it by hand when they have to.
    const running = node.spawn('sh', ['-c', `exec docker-registry serve ${dir}/config.yml > ${dir}/log 2>&1`], {
      stdio: ['ignore', 'ignore', 'ignore'],
    });
    const headers: Record<string, string> =
      auth === undefined ? {} : { authorization: `Basic ${btoa(`${auth.user}:${auth.password}`)}` };
    const registry = new Registry(host, running, headers);
    await waitFor(
      `the registry on ${host}`,
      async () => {
        if (!running.running) throw new Error(`it ended: ${(await node.exec('tail', ['-5', `${dir}/log`])).stdout}`);
        return (await registry.#call('GET', '/v2/')).ok;
      },
      { timeoutMs: 10_000, intervalMs: 20 },
    );
    return registry;
  }

  /** Lets a node's containerd pull from here without TLS. */
  async trustOn(node: NodeNamespace, certsDir = '/etc/skiff/certs.d'): Promise<void> {
    const dir = `${certsDir}/${this.host}`;
    const url = `http://${this.host}`;
    await node.exec('mkdir', ['-p', dir]);
    await node.exec('tee', [`${dir}/hosts.toml`], { input: `server = "${url}"\n[host."${url}"]\n` });
  }

  /** The image's reference has to begin with this registry's host. */
  async push(image: Image): Promise<void> {
    const [, name, tag] = new RegExp(`^${RegExp.escape(this.host)}/(.+):([^:/]+)$`).exec(image.ref) ?? [];
    if (name === undefined) throw new Error(`${image.ref} does not belong to the registry ${this.host}`);
    for (const { digest, data } of [image.config, ...image.layers]) {
      const begun = await this.#call('POST', `/v2/${name}/blobs/uploads/`);
      const place = new URL(begun.headers.get('location')!, `http://${this.host}`);
      place.searchParams.set('digest', digest);
      await this.#call('PUT', place.pathname + place.search, data, 'application/octet-stream');
    }
    await this.#call('PUT', `/v2/${name}/manifests/${tag}`, image.manifest.data, image.manifest.mediaType);
  }

  async #call(method: string, path: string, body?: Buffer<ArrayBuffer>, type?: string): Promise<Response> {
    const headers = { ...this.#headers, ...(type === undefined ? {} : { 'content-type': type }) };
    const answer = await fetch(`http://${this.host}${path}`, {
      method,
      body,
      headers,
      signal: AbortSignal.timeout(10_000),
    });
    if (!answer.ok) throw new Error(`registry: ${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.kill('SIGKILL');
    await this.#process.exited;
  }
}

// JSON is YAML.
function config(dir: string, host: string, authenticated: boolean) {
  return {
    version: 0.1,
    log: { level: 'warn' },
    storage: { filesystem: { rootdirectory: `${dir}/data` }, delete: { enabled: true } },
    http: { addr: host, secret: 'one registry, one secret' },
    ...(authenticated ? { auth: { htpasswd: { realm: 'test', path: `${dir}/htpasswd` } } } : {}),
  };
}

/** The registry takes bcrypt only, which the C library knows and perl, always installed on Debian, hands through. */
async function htpasswdLine({ user, password }: { user: string; password: string }): Promise<string> {
  const program = 'print crypt($ARGV[0], q($2y$05$) . q(abcdefghijklmnopqrstuu))';
  const { stdout } = await exec('perl', ['-e', program, password]);
  return `${user}:${stdout}\n`;
}

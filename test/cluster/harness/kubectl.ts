// The real kubectl, run inside a node. Tests need a certain minor version for newer verbs; an older one is reported
// aloud by the test that is skipped for it.
import type { NodeNamespace } from './node-namespace.ts';
import type { ExecOptions, ExecResult } from './process.ts';
import { exec } from './process.ts';

export const KUBECTL_MINOR_WANTED = 28;

export interface KubectlOptions extends ExecOptions {
  kubeconfig: string;
}

export function kubectl(
  node: NodeNamespace,
  args: readonly string[],
  { kubeconfig, ...opts }: KubectlOptions,
): Promise<ExecResult> {
  return node.exec('kubectl', args, { ...opts, env: { KUBECONFIG: kubeconfig, ...opts.env } });
}

/** The minor version of the kubectl on PATH, or undefined without one. */
export async function kubectlMinor(): Promise<number | undefined> {
  const { stdout, code } = await exec('sh', ['-c', 'kubectl version --client --output=json'], { mayFail: true });
  if (code !== 0) return undefined;
  const { clientVersion } = JSON.parse(stdout) as { clientVersion?: { minor?: string } };
  return Number.parseInt(clientVersion?.minor ?? '', 10) || undefined;
}

/** Why tests that need a recent kubectl cannot run, or false: made for `test(name, { skip })`. */
export async function kubectlTooOld(): Promise<string | false> {
  const minor = await kubectlMinor();
  if (minor === undefined) return 'no kubectl on PATH';
  return minor < KUBECTL_MINOR_WANTED && `kubectl 1.${minor} is older than 1.${KUBECTL_MINOR_WANTED}`;
}

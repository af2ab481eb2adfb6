// agent/network: the kernel switches that routing pods through this host needs. Set at every start: they do not
// outlive a reboot, and other software changes them.
import type { Logger } from '../../api/log.ts';
import type { Exec } from './exec.ts';
import type { Family } from './nft.ts';

interface Sysctl {
  readonly name: string;
  readonly value: string;
  /** Without it nothing works; the others only cost a feature. */
  readonly vital?: true;
}

export function sysctls(families: readonly Family[]): Sysctl[] {
  const v4: Sysctl[] = [
    { name: 'net.ipv4.ip_forward', value: '1', vital: true },
    // Node ports on 127.0.0.1; the table drops packets for 127.0.0.0/8 that come from a wire.
    { name: 'net.ipv4.conf.all.route_localnet', value: '1' },
    // A pod that reaches itself through a Service leaves where it came in, which is no reason for a redirect; and
    // redirects use up the allowance of the ICMP errors that refuse UDP.
    { name: 'net.ipv4.conf.all.send_redirects', value: '0' },
    { name: 'net.ipv4.conf.default.send_redirects', value: '0' },
  ];
  const v6: Sysctl[] = [{ name: 'net.ipv6.conf.all.forwarding', value: '1', vital: true }];
  return [...(families.includes('ip') ? v4 : []), ...(families.includes('ip6') ? v6 : [])];
}

export async function applySysctls(
  families: readonly Family[],
  exec: Exec,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (const { name, value, vital } of sysctls(families)) {
    const { code, stderr } = await exec(['sysctl', '-qw', `${name}=${value}`], {}, signal);
    if (code === 0) continue;
    const reason = stderr.trim().slice(0, 200);
    if (vital) throw new Error(`cannot set ${name} to ${value}, which pod networking needs: ${reason}`);
    log.warn({ name, value, reason }, 'kernel parameter not set');
  }
}

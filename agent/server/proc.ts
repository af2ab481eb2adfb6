// What the kernel's text files say about the node and its interfaces. Pure: text in, numbers out.

export interface NodeMemory {
  readonly totalBytes: number;
  readonly usageBytes: number;
  /** What cannot simply be dropped under pressure. */
  readonly workingSetBytes: number;
  readonly availableBytes: number;
  readonly rssBytes: number;
  readonly swapUsedBytes: number;
  readonly swapFreeBytes: number;
}

/** /proc/meminfo */
export function memoryOf(meminfo: string): NodeMemory {
  const of = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0) * 1_024;
  const totalBytes = of('MemTotal');
  const usageBytes = totalBytes - of('MemFree');
  const workingSetBytes = Math.max(0, usageBytes - of('Inactive\\(file\\)'));
  return {
    totalBytes,
    usageBytes,
    workingSetBytes,
    availableBytes: totalBytes - workingSetBytes,
    rssBytes: of('AnonPages'),
    swapUsedBytes: of('SwapTotal') - of('SwapFree'),
    swapFreeBytes: of('SwapFree'),
  };
}

export interface NodeCpu {
  /** Of all processors together, since the start of the machine. */
  readonly usageNs: bigint;
  readonly processors: number;
  readonly bootMs: number;
}

/** The kernel counts in hundredths of a second, whatever its own tick is. */
const TICK_NS = 10_000_000n;

/** /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal; guest time is part of user time. */
export function cpuOf(stat: string): NodeCpu {
  const ticks = (/^cpu\s+(.*)$/m.exec(stat)?.[1] ?? '').trim().split(/\s+/);
  const busy = [0, 1, 2, 5, 6, 7].reduce((sum, at) => sum + BigInt(ticks[at] || 0), 0n);
  const bootSeconds = Number(/^btime (\d+)$/m.exec(stat)?.[1] ?? 0);
  return {
    usageNs: busy * TICK_NS,
    processors: (stat.match(/^cpu\d+ /gm) ?? []).length,
    bootMs: bootSeconds * 1_000,
  };
}

export interface InterfaceCounters {
  readonly name: string;
  readonly rxBytes: number;
  readonly rxErrors: number;
  readonly rxPackets: number;
  readonly rxDropped: number;
  readonly txBytes: number;
  readonly txErrors: number;
  readonly txPackets: number;
  readonly txDropped: number;
}

/** /proc/net/dev, without the loopback. */
export function interfacesOf(dev: string): InterfaceCounters[] {
  return dev.split('\n').flatMap((line) => {
    const parts = /^\s*([^:]+):\s*(.*)$/.exec(line);
    if (parts === null || parts[1] === 'lo') return [];
    const n = parts[2]!.trim().split(/\s+/).map(Number);
    const [rxBytes = 0, rxPackets = 0, rxErrors = 0, rxDropped = 0] = n;
    const [txBytes = 0, txPackets = 0, txErrors = 0, txDropped = 0] = n.slice(8);
    return [{ name: parts[1]!, rxBytes, rxPackets, rxErrors, rxDropped, txBytes, txPackets, txErrors, txDropped }];
  });
}

/** /proc/net/route: the interface of the default route. */
export function defaultInterface(route: string): string | undefined {
  const line = route.split('\n').find((each) => each.split('\t')[1] === '00000000');
  return line?.split('\t')[0];
}

// Nodes, services, endpoints, events and what else the core group shows.
import type { ConfigMap, Secret } from '../../../api/types/core/config-map.ts';
import type { Endpoints } from '../../../api/types/core/endpoints.ts';
import type { Event } from '../../../api/types/core/event.ts';
import type { ResourceQuota } from '../../../api/types/core/limit-range.ts';
import type { Node } from '../../../api/types/core/node.ts';
import type { Service } from '../../../api/types/core/service.ts';
import type { EndpointSlice } from '../../../api/types/discovery/endpoint-slice.ts';
import { labelsCell, NONE, since, UNKNOWN, upTo } from './words.ts';

export function configMapCells({ data = {}, binaryData = {} }: ConfigMap): unknown[] {
  return [Object.keys(data).length + Object.keys(binaryData).length];
}

export function secretCells({ data = {} }: Secret): unknown[] {
  return [Object.keys(data).length];
}

export function nodeCells({ spec, status, metadata }: Node, nowMs: number): unknown[] {
  const ready = status.conditions?.find(({ type }) => type === 'Ready');
  const words = [ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'];
  if (spec.unschedulable) words.push('SchedulingDisabled');
  const address = (wanted: string) => status.addresses?.find(({ type }) => type === wanted)?.address ?? NONE;
  const { kubeletVersion = '', osImage, kernelVersion, containerRuntimeVersion } = status.nodeInfo ?? {};
  return [
    words.join(','),
    rolesOf(metadata.labels ?? {}),
    since(metadata.creationTimestamp, nowMs),
    kubeletVersion,
    address('InternalIP'),
    address('ExternalIP'),
    osImage || UNKNOWN,
    kernelVersion || UNKNOWN,
    containerRuntimeVersion || UNKNOWN,
  ];
}

const ROLE = 'node-role.kubernetes.io/';

function rolesOf(labels: Readonly<Record<string, string>>): string {
  const roles = Object.entries(labels).flatMap(([key, value]) => {
    if (key.startsWith(ROLE)) return key.length > ROLE.length ? [key.slice(ROLE.length)] : [];
    return key === 'kubernetes.io/role' && value !== '' ? [value] : [];
  });
  return [...new Set(roles)].sort().join(',') || NONE;
}

export function serviceCells(service: Service, nowMs: number): unknown[] {
  const { spec, metadata } = service;
  const ports = (spec.ports ?? []).map(({ port, nodePort, protocol }) =>
    nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
  );
  return [
    spec.clusterIPs?.[0] ?? spec.clusterIP ?? NONE,
    externalIp(service),
    ports.join(',') || NONE,
    since(metadata.creationTimestamp, nowMs),
    labelsCell(spec.selector),
  ];
}

function externalIp({ spec, status }: Service): string {
  const own = spec.externalIPs ?? [];
  switch (spec.type) {
    case 'ExternalName':
      return spec.externalName ?? '';
    case 'LoadBalancer': {
      return [...balancerAddresses(status.loadBalancer), ...own].join(',') || '<pending>';
    }
    default:
      return own.join(',') || NONE;
  }
}

interface Balancer {
  readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[];
}

/** Each once, sorted. */
export function balancerAddresses(balancer: Balancer | undefined): string[] {
  return [...new Set((balancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || []))].sort();
}

const SHOWN = 3;

export function endpointsCells({ subsets = [], metadata }: Endpoints, nowMs: number): unknown[] {
  const all = subsets.flatMap(({ addresses = [], ports = [] }) => {
    if (ports.length === 0) return addresses.map(({ ip }) => ip);
    return ports.flatMap(({ port }) => addresses.map(({ ip }) => `${ip.includes(':') ? `[${ip}]` : ip}:${port}`));
  });
  return [
    subsets.length === 0 ? NONE : all.length === 0 ? '' : upTo(SHOWN, all),
    since(metadata.creationTimestamp, nowMs),
  ];
}

export function endpointSliceCells({ ports, endpoints, metadata }: EndpointSlice, nowMs: number): unknown[] {
  const addresses = (endpoints ?? []).flatMap((endpoint) => endpoint.addresses ?? []);
  const numbers = (ports ?? []).map(({ name, port }) => (port === undefined ? (name ?? '*') : String(port)));
  const shown = ports?.length ? upTo(SHOWN, numbers) || '<unset>' : '<unset>';
  return [shown, addresses.length ? upTo(SHOWN, addresses) : '<unset>', since(metadata.creationTimestamp, nowMs)];
}

export function eventCells(event: Event, nowMs: number): unknown[] {
  const { involvedObject: object, series, source } = event;
  const first = event.firstTimestamp || event.eventTime;
  const last = series?.lastObservedTime || event.lastTimestamp || first;
  const count = series?.count ?? event.count ?? 1;
  const name = object.name ? `${object.kind?.toLowerCase()}/${object.name}` : (object.kind?.toLowerCase() ?? '');
  const from = source?.component || event.reportingComponent || '';
  const host = source?.host || event.reportingInstance;
  return [
    since(last, nowMs),
    event.type ?? '',
    event.reason ?? '',
    name,
    object.fieldPath ?? '',
    host ? `${from}, ${host}` : from,
    (event.message ?? '').trim(),
    since(first, nowMs),
    count,
  ];
}

export function resourceQuotaCells({ status, metadata }: ResourceQuota, nowMs: number): unknown[] {
  const requests: string[] = [];
  const limits: string[] = [];
  for (const [name, hard] of Object.entries(status.hard ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const line = `${name}: ${status.used?.[name] ?? '0'}/${hard}`;
    (name.startsWith('limits') ? limits : requests).push(line);
  }
  return [requests.join(', '), limits.join(', '), since(metadata.creationTimestamp, nowMs)];
}

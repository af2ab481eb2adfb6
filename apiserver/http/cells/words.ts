// Small things that many tables show.
import { requirementsOf, selectorText } from '../../../api/labels.ts';
import type { LabelSelector } from '../../../api/types/meta/label-selector.ts';
import { humanDuration } from '../human-duration.ts';

export const NONE = '<none>';
export const UNKNOWN = '<unknown>';
export const UNSET = '<unset>';

interface HasContainers {
  readonly containers?: readonly { readonly name: string; readonly image?: string }[];
}

export function containersAndImages(spec: HasContainers | undefined): [string, string] {
  const containers = spec?.containers ?? [];
  return [containers.map(({ name }) => name).join(','), containers.map(({ image = '' }) => image).join(',')];
}

export function selectorCell(selector: LabelSelector | undefined): string {
  return (selector && selectorText(requirementsOf(selector))) || NONE;
}

export function labelsCell(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return pairs.map(([key, value]) => `${key}=${value}`).join(',') || NONE;
}

/** How long ago; times that never were are unknown. */
export function since(time: string | null | undefined, nowMs: number): string {
  return time ? humanDuration(nowMs - Date.parse(time)) : UNKNOWN;
}

const MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};

/** In the order people are used to, each once. */
export function accessModes(modes: readonly string[] | undefined): string {
  return Object.entries(MODES)
    .filter(([mode]) => modes?.includes(mode))
    .map(([, short]) => short)
    .join(',');
}

/** The first few, and how many more. */
export function upTo(max: number, items: readonly string[]): string {
  const shown = items.slice(0, max).join(',');
  const more = items.length - max;
  return items.length === 0 ? NONE : more > 0 ? `${shown} + ${more} more...` : shown;
}

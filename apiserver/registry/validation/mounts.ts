// Where volumes appear in a container: as folders, or raw as devices.
import type { FieldProblem } from '../../../api/status.ts';
import type { Container, EphemeralContainer } from '../../../api/types/core/container.ts';
import type { Around } from './containers.ts';
import { localDescendingPath, noBacksteps } from './paths.ts';
import { forbidden, invalidValue, notFoundValue, notSupported, required } from './problems.ts';
import { each, oneOf } from './values.ts';

type AnyContainer = Container | EphemeralContainer;

const PROPAGATIONS = ['Bidirectional', 'HostToContainer', 'None'];

/** Of what is in a mount upstream names the list, not the place in it. */
export function mountsProblems(container: AnyContainer, volumes: Around['volumes'], path: string): FieldProblem[] {
  const { volumeMounts, volumeDevices, securityContext } = container;
  const paths = new Set<string>();
  return each(volumeMounts, path, (mount, at) => {
    const { name, mountPath, subPath, subPathExpr, mountPropagation, recursiveReadOnly } = mount;
    const problems: FieldProblem[] = [];
    if (!name) problems.push(required(`${at}.name`));
    if (!volumes.has(name)) problems.push(notFoundValue(`${at}.name`, name));
    if (!mountPath) problems.push(required(`${at}.mountPath`));
    if (paths.has(mountPath)) problems.push(invalidValue(`${at}.mountPath`, mountPath, 'must be unique'));
    paths.add(mountPath);
    if (volumeDevices?.some((device) => device.name === name)) {
      problems.push(invalidValue(`${at}.name`, name, 'must not already exist in volumeDevices'));
    }
    if (volumeDevices?.some(({ devicePath }) => devicePath === mountPath)) {
      problems.push(invalidValue(`${at}.mountPath`, mountPath, 'must not already exist as a path in volumeDevices'));
    }
    if (subPath) problems.push(...localDescendingPath(`${path}.subPath`, subPath));
    if (subPathExpr) {
      if (subPath)
        problems.push(invalidValue(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
      problems.push(...localDescendingPath(`${path}.subPathExpr`, subPathExpr));
    }
    if (mountPropagation !== undefined) {
      problems.push(...oneOf(`${path}.mountPropagation`, mountPropagation, PROPAGATIONS));
      if (mountPropagation === 'Bidirectional' && securityContext?.privileged !== true) {
        const why = 'Bidirectional mount propagation is available only to privileged containers';
        problems.push(forbidden(`${path}.mountPropagation`, why));
      }
    }
    if (recursiveReadOnly !== undefined) problems.push(...recursiveProblems(mount, `${path}.recursiveReadOnly`));
    return problems;
  });
}

function recursiveProblems(
  { recursiveReadOnly, readOnly, mountPropagation }: NonNullable<Container['volumeMounts']>[number],
  path: string,
): FieldProblem[] {
  const modes = ['Disabled', 'Enabled', 'IfPossible'];
  const mode = recursiveReadOnly!;
  if (!modes.includes(mode)) return [notSupported(path, mode, modes)];
  if (mode === 'Disabled') return [];
  const problems: FieldProblem[] = [];
  if (!readOnly) problems.push(forbidden(path, 'may only be specified when readOnly is true'));
  if (mountPropagation !== undefined && mountPropagation !== 'None') {
    problems.push(forbidden(path, 'may only be specified when mountPropagation is None or not specified'));
  }
  return problems;
}

export function devicesProblems(container: AnyContainer, volumes: Around['volumes'], path: string): FieldProblem[] {
  const names = new Set<string>();
  const paths = new Set<string>();
  const mounts = container.volumeMounts ?? [];
  return (container.volumeDevices ?? []).flatMap(({ name, devicePath }, i) => {
    const at = `${path}[${i}]`;
    const problems: FieldProblem[] = [];
    const say = (field: 'name' | 'devicePath', why: string) =>
      problems.push(invalidValue(`${at}.${field}`, field === 'name' ? name : devicePath, why));
    if (!name) problems.push(required(`${at}.name`));
    if (names.has(name)) say('name', 'must be unique');
    const volume = volumes.get(name);
    if (volume && !volume.isClaim) {
      say('name', 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode');
    }
    if (volume === undefined) problems.push(notFoundValue(`${at}.name`, name));
    if (!devicePath) problems.push(required(`${at}.devicePath`));
    if (paths.has(devicePath)) say('devicePath', 'must be unique');
    if (noBacksteps(at, devicePath).length > 0) say('devicePath', "can not contain backsteps ('..')");
    else paths.add(devicePath);
    if (mounts.some((mount) => mount.name === name)) say('name', 'must not already exist in volumeMounts');
    if (mounts.some(({ mountPath }) => mountPath === devicePath)) {
      say('devicePath', 'must not already exist as a path in volumeMounts');
    }
    if (name) names.add(name);
    return problems;
  });
}

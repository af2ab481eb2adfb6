// Files in volumes: made of keys, of fields, of resources; where they lie and who may read them.
import type { FieldProblem } from '../../../api/status.ts';
import type { ObjectFieldSelector, ResourceFieldSelector } from '../../../api/types/core/selectors.ts';
import { fieldRefProblems, resourceFieldRefProblems } from './env.ts';
import { localPlainPath } from './paths.ts';
import { invalidValue, required } from './problems.ts';

const MODE = 'must be a number between 0 and 0777 (octal), both inclusive';

export function modeProblems(mode: number | undefined, path: string): FieldProblem[] {
  return mode === undefined || (mode >= 0 && mode <= 0o777) ? [] : [invalidValue(path, mode, MODE)];
}

type Items = readonly { key: string; path: string; mode?: number }[] | undefined;

export function itemsProblems(items: Items, path: string, from = 0): FieldProblem[] {
  return (items ?? []).flatMap(({ key, path: file, mode }, i) => {
    const at = `${path}.items[${from + i}]`;
    return [
      ...(key ? [] : [required(`${at}.key`)]),
      ...(file ? localPlainPath(`${at}.path`, file) : [required(`${at}.path`)]),
      ...modeProblems(mode, `${at}.mode`),
    ];
  });
}

interface File {
  path: string;
  fieldRef?: ObjectFieldSelector;
  resourceFieldRef?: ResourceFieldSelector;
  mode?: number;
}

/** Upstream names the list, not the file. */
export function filesProblems(files: readonly File[] | undefined, path: string): FieldProblem[] {
  return (files ?? []).flatMap(({ path: file, fieldRef, resourceFieldRef, mode }) => {
    const problems = file ? localPlainPath(`${path}.path`, file) : [required(`${path}.path`)];
    if (fieldRef) {
      problems.push(...fieldRefProblems(fieldRef, `${path}.fieldRef`, 'files'));
      if (resourceFieldRef) {
        const why = 'fieldRef and resourceFieldRef can not be specified simultaneously';
        problems.push(invalidValue(path, 'resource', why));
      }
    } else if (resourceFieldRef) {
      problems.push(...resourceFieldRefProblems(resourceFieldRef, `${path}.resourceFieldRef`, 'files'));
    } else problems.push(required(path, 'one of fieldRef and resourceFieldRef is required'));
    return [...problems, ...modeProblems(mode, `${path}.mode`)];
  });
}

// What the vm ring needs of the machine, told in one line instead of by the first program that is not found.
import { missingPackages } from '../../../cli/bootstrap/facts.mjs';
import { vmPackages } from '../../../cli/bootstrap/packages.mjs';

export function checkVmRequirements(): void {
  if (process.getuid?.() !== 0) throw new Error('the vm tests make file systems of a whole machine: run them as root');
  if (process.arch !== 'x64') throw new Error(`the vm tests boot x64 machines only, and this one is ${process.arch}`);
  const missing = missingPackages(vmPackages).map(({ name }) => name);
  if (missing.length > 0) throw new Error(`the vm tests need ${missing.join(', ')}: npm run test:vm installs them`);
}

// What /version answers.
import { object, required, string, type TypeOf } from '../../schema/schema.ts';

export const Info = object('io.k8s.apimachinery.pkg.version.Info', {
  buildDate: string(0, { required, emitZero: '' }),
  compiler: string(0, { required, emitZero: '' }),
  emulationMajor: string(0),
  emulationMinor: string(0),
  gitCommit: string(0, { required, emitZero: '' }),
  gitTreeState: string(0, { required, emitZero: '' }),
  gitVersion: string(0, { required, emitZero: '' }),
  goVersion: string(0, { required, emitZero: '' }),
  major: string(0, { required, emitZero: '' }),
  minCompatibilityMajor: string(0),
  minCompatibilityMinor: string(0),
  minor: string(0, { required, emitZero: '' }),
  platform: string(0, { required, emitZero: '' }),
});
export type Info = TypeOf<typeof Info>;

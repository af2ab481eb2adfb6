// The admission plugins in the order in which they are asked.
import type { AdmissionPlugin } from './admission.ts';

export const admissionPlugins: readonly AdmissionPlugin[] = [];

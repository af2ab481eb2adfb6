// What a conversion webhook is asked and answers.
import { anything, field, list, object, ptr, required, string, type TypeOf } from '../../schema/schema.ts';
import { Status } from '../meta/status.ts';

export const ConversionRequest = object('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ConversionRequest', {
  uid: string(1, { required, emitZero: '' }),
  desiredAPIVersion: string(2, { required, emitZero: '' }),
  objects: list(3, anything('io.k8s.apimachinery.pkg.runtime.RawExtension'), {
    required,
    emitZero: null,
    listType: 'atomic',
  }),
});
export type ConversionRequest = TypeOf<typeof ConversionRequest>;

export const ConversionResponse = object(
  'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ConversionResponse',
  {
    uid: string(1, { required, emitZero: '' }),
    convertedObjects: list(2, anything('io.k8s.apimachinery.pkg.runtime.RawExtension'), {
      required,
      emitZero: null,
      listType: 'atomic',
    }),
    result: field(3, Status, { required, emitZero: {} }),
  },
);
export type ConversionResponse = TypeOf<typeof ConversionResponse>;

export const ConversionReview = object('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ConversionReview', {
  apiVersion: string(0),
  kind: string(0),
  request: field(1, ConversionRequest, { ptr }),
  response: field(2, ConversionResponse, { ptr }),
});
export type ConversionReview = TypeOf<typeof ConversionReview>;

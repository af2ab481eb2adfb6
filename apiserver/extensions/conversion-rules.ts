// What spec.conversion of a definition may say.
import type { FieldProblem } from '../../api/status.ts';
import type { CustomResourceConversion } from '../../api/types/apiextensions/custom-resource-definition.ts';
import { forbidden, invalidValue, required } from '../registry/validation/problems.ts';
import { requiredOneOf } from '../registry/validation/values.ts';

const KNOWN_REVIEWS = ['v1', 'v1beta1'];

export function conversionProblems(conversion: CustomResourceConversion | undefined, path: string): FieldProblem[] {
  if (conversion === undefined) return [];
  const { strategy, webhook } = conversion;
  const problems = requiredOneOf(`${path}.strategy`, strategy, ['None', 'Webhook']);
  const client = webhook?.clientConfig;
  const reviews = webhook?.conversionReviewVersions ?? [];
  const [placeOfClient, placeOfReviews] = [`${path}.webhookClientConfig`, `${path}.conversionReviewVersions`];
  if (strategy !== 'Webhook') {
    const why = 'should not be set when strategy is not set to Webhook';
    if (client !== undefined) problems.push(forbidden(placeOfClient, why));
    if (reviews.length > 0) problems.push(forbidden(placeOfReviews, why));
    return problems;
  }
  if (client === undefined) problems.push(required(placeOfClient, 'required when strategy is set to Webhook'));
  else if ((client.url === undefined) === (client.service === undefined)) {
    problems.push(required(placeOfClient, 'exactly one of url or service is required'));
  } else if (client.url !== undefined && URL.parse(client.url)?.protocol !== 'https:') {
    const why = "'https' is the only allowed URL scheme; desired format: https://host[/path]";
    problems.push(invalidValue(`${placeOfClient}.url`, client.url, why));
  } else if (client.service !== undefined) {
    const { name, namespace, port = 443 } = client.service;
    if (!name) problems.push(required(`${placeOfClient}.service.name`, 'service name is required'));
    if (!namespace) problems.push(required(`${placeOfClient}.service.namespace`, 'service namespace is required'));
    if (port < 1 || port > 65535) {
      const why = `port is not valid: must be between 1 and 65535, inclusive`;
      problems.push(invalidValue(`${placeOfClient}.service.port`, port, why));
    }
  }
  if (reviews.length === 0) problems.push(required(placeOfReviews));
  else if (!reviews.some((version) => KNOWN_REVIEWS.includes(version))) {
    const why = `must include at least one of ${KNOWN_REVIEWS.join(', ')}`;
    problems.push(invalidValue(placeOfReviews, reviews, why));
  }
  return problems;
}

// What a runtime says of a container holds for one life: it is on record apart from what the client configured, stands
// beside that for drivers, and ends with `down`.
import type { ContainerRecord } from './container.ts'
import { withoutAdditions } from './policy.ts'

type Document = Record<string, unknown>

/** What the client said beyond what the host knows; under `properties` its runtime's too, whose word for a name counts. */
export function furtherConfig({
  config,
  properties,
}: Pick<ContainerRecord, 'config' | 'properties'>): Document {
  const { attach_to: _attachTo, network_specs: _specs, labels: _labels, ...further } = config
  if (properties === undefined) return further
  const { properties: configured } = further
  return { ...further, properties: isDocument(configured) ? { ...configured, ...properties } : properties }
}

/** The container in a life of which its runtime says this, and nothing else. */
export function withProperties(
  { properties: _former, ...container }: ContainerRecord,
  said: Readonly<Record<string, string>>,
): ContainerRecord {
  return Object.keys(said).length === 0 ? container : { ...container, properties: said }
}

/** As its client has it. The same object where no runtime has said anything. */
export function withoutRuntimeWord(container: ContainerRecord): ContainerRecord {
  const plain = withoutAdditions(container)
  return container.properties === undefined ? plain : withProperties(plain, {})
}

function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

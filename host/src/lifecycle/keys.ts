// Names of the queues in which operations wait for each other.

export function containerQueue(handle: string): string {
  return `container:${handle}`
}

/**
 * By name, since two clients may create one network at the same time. Who has a container's may wait for it; who has it
 * must wait for no container's.
 */
export function networkQueue(name: string): string {
  return `network:${name}`
}

/** Its own, since a change of it waits for containers, and containers may wait for a network. */
export function defaultPolicyQueue(networkId: string): string {
  return `default-policy:${networkId}`
}

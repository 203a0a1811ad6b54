// Between which underlay addresses a tunnel can be.

/** Not between two families, and not from a host to itself, as where two were given the same address. */
export function isTunnelPartner(own: string, other: string): boolean {
  return own !== other && own.includes(':') === other.includes(':')
}

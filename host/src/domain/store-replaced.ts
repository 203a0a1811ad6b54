// What is told of a shared store that has lost what it held, or is an older copy, to hosts and to people.

export type StoreReplaced = {
  readonly since: string
  /** All that this host has was looked at since. */
  readonly isPutBack: boolean
  /** What somebody else has in the store now. */
  readonly conflicts: readonly string[]
  /** Hosts that the cluster had, and that have not put back theirs. */
  readonly missing: readonly string[]
}

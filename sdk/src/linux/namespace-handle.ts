// What the rest of the kernel toolkit needs to know of a namespace that somebody holds open.

/** A network namespace held open by its owner; `Namespace` is one. */
export type NamespaceHandle = {
  /** The open file, for attributes such as IFLA_NET_NS_FD. */
  readonly fd: number
  /** Enters, does `work` in one synchronous stretch, and comes back. A socket opened inside belongs there. */
  run<T>(work: () => T): T
}

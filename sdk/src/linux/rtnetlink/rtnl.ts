// The client of rtnetlink: runs requests, which the other files of this folder build, and reads tables.
import { KeyedQueue } from '../../keyed-queue.ts'
import { KernelError } from '../kernel-error.ts'
import type { NamespaceHandle } from '../namespace-handle.ts'
import { NLM_F } from '../netlink/constants.ts'
import type { NetlinkMessage } from '../netlink/message.ts'
import type { RouteRequest } from '../netlink/request.ts'
import { type TransactionOptions, Transactions } from '../netlink/transaction.ts'
import { type Address, type AddressFilter, listAddresses, parseAddress } from './address.ts'
import {
  type ForwardingEntry,
  getForwardingEntry,
  listForwardingEntries,
  parseForwardingEntry,
} from './forwarding-entry.ts'
import { getLink, type Link, type LinkFilter, listLinks, parseLink } from './link.ts'
import type { LinkReference } from './link-attributes.ts'
import type { NewLinkRequest } from './link-create.ts'
import { listNeighbourProxies, listNeighbours, type Neighbour, parseNeighbour } from './neighbour.ts'
import { listRoutes, parseRoute, type Route, type RouteFilter } from './route.ts'
import { listRules, parseRule, type Rule } from './rule.ts'
import {
  getStatistics,
  type LinkStatistics,
  type NamedStatistics,
  parseNamedStatistics,
  parseStatistics,
} from './statistics.ts'
import {
  type IngressFilter,
  listIngressFilters,
  listQueues,
  parseIngressFilter,
  parseSendingQueue,
  type SendingQueue,
} from './traffic-listing.ts'

/** How a request is run. */
export type RunOptions = TransactionOptions
/** How a slow request is run. */
export type SlowRunOptions = TransactionOptions & {
  /** Given up when it aborts before the request was sent; the kernel finishes what it has begun. */
  signal?: AbortSignal
}

const ENODEV = 19

/**
 * A connection to the rtnetlink of one network namespace (rtnetlink(7)). Close it (or `using`) when done.
 *
 * All that does not end in `Slow` is synchronous: the kernel does the work inside the system call. Errors are
 * KernelErrors with the errno, the kernel's own message and the operation of the very request that failed.
 */
export class Rtnl implements Disposable {
  readonly #transactions = new Transactions()
  /** A socket of its own, so that answers never mix. One at a time: the kernel has one lock for all this. */
  #slowTransactions: Transactions | undefined
  readonly #slowQueue = new KeyedQueue()
  #isClosed = false

  private constructor({ isSlowToo }: { isSlowToo: boolean }) {
    if (isSlowToo) this.#slowTransactions = new Transactions()
  }

  /**
   * Connects to the namespace of the calling thread, and stays with it. Throws a KernelError, as when there are no
   * more file descriptors (EMFILE).
   */
  static open(): Rtnl {
    // Opened later it would take the right to enter namespaces.
    return new Rtnl({ isSlowToo: true })
  }

  /** Connects to a namespace, which may be closed afterwards. */
  static openIn(namespace: NamespaceHandle): Rtnl {
    return namespace.run(() => new Rtnl({ isSlowToo: false }))
  }

  /** Runs one request; done when it returns. Throws a KernelError, unless `tolerate` has its code. */
  run(request: RouteRequest, options?: RunOptions): void {
    this.#transactions.run([request], options)
  }

  /**
   * Runs requests in order, with one system call for up to a thousand. It is no transaction of the kernel: when one is
   * refused, later ones may have been done. The BatchError thrown then says which were, for the undo.
   */
  batch(requests: readonly RouteRequest[], options?: RunOptions): void {
    this.#transactions.run(requests, options)
  }

  /** `run` for what takes the kernel long (deleting links: ~20 ms): the event loop goes on meanwhile. */
  async runSlow(request: RouteRequest, options?: SlowRunOptions): Promise<void> {
    await this.batchSlow([request], options)
  }

  /** `batch`, while the event loop goes on. Slow requests of one client run one after the other. */
  async batchSlow(requests: readonly RouteRequest[], options: SlowRunOptions = {}): Promise<void> {
    const transactions = this.#slow()
    await this.#slowQueue.run('', async () => {
      options.signal?.throwIfAborted()
      await transactions.runInThread(requests, options)
    })
  }

  /**
   * Runs a request that makes a link in this client's own namespace, and answers the link: its index, its MAC address,
   * and in `parent` the index of a veth's peer inside the peer's namespace.
   */
  create(request: NewLinkRequest): Link {
    let link: Link | undefined
    // The kernel sends the new link back since 6.2; before, one has to ask.
    const echoed = { ...request, flags: request.flags | NLM_F.ECHO }
    this.#transactions.run([echoed], {}, (message) => {
      link ??= parseLink(message)
    })
    return link ?? this.existingLink(request.name)
  }

  /** The link with this name or index; undefined when there is none. */
  link(link: LinkReference): Link | undefined {
    return this.#get(getLink(link), parseLink)
  }

  /** As `link`, but throws ENODEV. */
  existingLink(link: LinkReference): Link {
    const found = this.link(link)
    if (found === undefined) throw new KernelError({ errno: ENODEV, operation: `get link ${link}` })
    return found
  }

  links(filter: LinkFilter = {}): Link[] {
    const links = this.#transactions.dump(listLinks(filter), parseLink)
    return filter.group === undefined ? links : links.filter(({ group }) => group === filter.group)
  }

  addresses(filter: AddressFilter = {}): Address[] {
    return this.#transactions.dump(listAddresses(filter), parseAddress)
  }

  /** Of all tables, unless the filter says otherwise: also the routes that the kernel made. */
  routes(filter: RouteFilter = {}): Route[] {
    try {
      return this.#transactions.dump(listRoutes(filter), parseRoute)
    } catch (error) {
      // The kernel makes a table with its first route: where nothing has an address there is not even the main one.
      if (KernelError.is(error, 'ENOENT')) return []
      throw error
    }
  }

  rules(filter: { family?: Rule['family'] } = {}): Rule[] {
    return this.#transactions.dump(listRules(filter), parseRule)
  }

  neighbours(filter: { link?: number } = {}): Neighbour[] {
    return this.#transactions.dump(listNeighbours(filter), parseNeighbour)
  }

  /** The IPv6 addresses for which the machine answers on behalf of others. */
  neighbourProxies(filter: { link?: number } = {}): Neighbour[] {
    return this.#transactions.dump(listNeighbourProxies(filter), parseNeighbour).filter(({ proxy }) => proxy)
  }

  /** `link`: entries of a bridge port or a tunnel; `master`: of all ports of a bridge. */
  forwardingEntries(filter: { link?: number; master?: number } = {}): ForwardingEntry[] {
    return this.#transactions.dump(listForwardingEntries(filter), parseForwardingEntry)
  }

  /** Where a bridge sends packets to this MAC that have no VLAN; undefined when it does not know. Throws ENODEV. */
  forwardingEntry(key: { bridge: number; macAddress: string }): ForwardingEntry | undefined {
    return this.#get(getForwardingEntry(key), parseForwardingEntry, 'ENOENT')
  }

  /** `neighbours` of a table that may be large, while the event loop goes on: 10,000 take 30 ms in one go. */
  neighboursSlow(filter: { link?: number } = {}): Promise<Neighbour[]> {
    return this.#dumpSlow(listNeighbours(filter), parseNeighbour)
  }

  /** `forwardingEntries` of a table that may be large, while the event loop goes on. */
  forwardingEntriesSlow(filter: { link?: number; master?: number } = {}): Promise<ForwardingEntry[]> {
    return this.#dumpSlow(listForwardingEntries(filter), parseForwardingEntry)
  }

  /** Undefined when there is no such link. */
  statistics(link: LinkReference): LinkStatistics | undefined {
    return this.#get(getStatistics(link), parseStatistics)
  }

  /** The counters of all links of a kind, in one reading. */
  linkStatistics(filter: Pick<LinkFilter, 'kind'>): NamedStatistics[] {
    return this.#transactions.dump(listLinks(filter), parseNamedStatistics)
  }

  /** Runs a `limitEgress`, and answers the queue as the kernel will list it; undefined where it does not say. */
  limit(request: RouteRequest): SendingQueue | undefined {
    let queue: SendingQueue | undefined
    this.#transactions.run([{ ...request, flags: request.flags | NLM_F.ECHO }], {}, (message) => {
      queue ??= parseSendingQueue(message)
    })
    return queue
  }

  /** How each link sends. */
  sendingQueues(): SendingQueue[] {
    return this.#transactions.dump(listQueues(), parseSendingQueue)
  }

  /** What arrives at a link meets these, in this order. */
  ingressFilters({ link }: { link: number }): IngressFilter[] {
    return this.#transactions.dump(listIngressFilters(link), parseIngressFilter)
  }

  /** May be repeated. What `runSlow` has begun or queued still ends. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#transactions.close()
    // Behind the last slow request: a thread may be inside the kernel with this socket.
    void this.#slowQueue.run('', async () => this.#slowTransactions?.close())
  }

  [Symbol.dispose](): void {
    this.close()
  }

  async #dumpSlow<T>(request: RouteRequest, parse: (message: NetlinkMessage) => T | undefined): Promise<T[]> {
    const transactions = this.#slow()
    return this.#slowQueue.run('', () => transactions.dumpInTurns(request, parse))
  }

  /** Opened with the first slow request: most connections to sandboxes have none, and a socket costs 20 µs. */
  #slow(): Transactions {
    if (this.#isClosed) throw new Error('the rtnetlink client was closed')
    this.#slowTransactions ??= this.#transactions.beside()
    return this.#slowTransactions
  }

  /** Undefined when the kernel answers with `missing`. */
  #get<T>(
    request: RouteRequest,
    parse: (message: NetlinkMessage) => T | undefined,
    missing = 'ENODEV',
  ): T | undefined {
    let found: T | undefined
    this.#transactions.run([request], { tolerate: [missing] }, (message) => {
      found ??= parse(message)
    })
    return found
  }
}

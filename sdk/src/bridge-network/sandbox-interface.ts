// The sandbox's side of a plug: the requests that set it, and what a refusal of one means to a user.
import { ConetError } from '../errors/index.ts'
import {
  type Address,
  addAddress,
  addRoute,
  BatchError,
  KernelError,
  MAIN_TABLE,
  newRoute,
  type Place,
  type Route,
  type RouteRequest,
  type Rtnl,
  setLink,
  usualMetric,
} from '../linux/index.ts'
import { isIpv6, withoutPrefix } from './addressing.ts'
import { withoutKernelAddress } from './bridge-device.ts'
import { type EndpointPlan, isDefault } from './endpoint-plan.ts'
import { switchIpv6On } from './ipv6-switch.ts'
import type { PlugTask } from './port.ts'
import { wayInPlaceOf, wayOf } from './route-words.ts'

type Step = {
  /** As users name it: `the address 10.0.0.2/16`. */
  readonly what: string
  readonly request: RouteRequest
  /** Of a default route. */
  readonly destination?: string
  /** May be refused where IPv6 is switched off in the sandbox. */
  readonly optional?: true
}

export type SandboxSide = { readonly sandbox: Place; readonly inner: Rtnl }

/** What is set, and what becomes of a default route that the container has of its own. */
export type Wish = Pick<PlugTask, 'plan' | 'isAgain' | 'yielded'>

/**
 * Sets a fresh interface up, in one batch. Answers in words what it lacks for default routes of the container's own. Throws
 * `conflict` naming what is there already, or a KernelError.
 */
export function configureInterface(
  { sandbox, inner }: SandboxSide,
  index: number,
  wish: Wish,
): string | undefined {
  const { plan } = wish
  const steps = [
    // Before it goes up, when the kernel would make the address. The alias says whose it is when its port is not found.
    {
      what: 'the link',
      request: setLink(index, { alias: plan.port.alias, ...withoutKernelAddress(plan.mtu) }),
    },
    { what: 'the link', request: setLink(index, { up: true }) },
    ...plan.addresses.map((address) => addressStep(index, address)),
    ...(plan.linkLocal === undefined
      ? []
      : [{ ...addressStep(index, plan.linkLocal), optional: true as const }]),
    ...plan.routes.map((route) => routeStep(index, route)),
  ]
  const inPlace: string[] = []
  const task = { ...wish, lacks: (route: string) => inPlace.push(route) }
  setAll({ sandbox, inner }, steps, task)
  return inPlace.length === 0 ? undefined : lackOf(inPlace, plan.interfaceName)
}

type Task = Wish & {
  /** Hears in whose place the container has one of its own. */
  lacks(route: string): void
}

function setAll({ sandbox, inner }: SandboxSide, steps: readonly Step[], task: Task): void {
  const refused = run(inner, steps, task)
  if (refused.length === 0) return
  // Looked for only now, for it costs more than all the rest.
  switchIpv6On(sandbox, task.plan.interfaceName)
  const [first] = run(inner, refused, task)
  if (first !== undefined) throw first.failure
}

/**
 * Throws `conflict` when another interface of the sandbox has one of the addresses, `lo` too: the kernel would take it twice, and
 * answer for it on either. Nothing else shows whether there is one: an interface that was moved there keeps the number that it had,
 * and the first that is made there has the number 2 all the same.
 */
export function assertAddressesFree(inner: Rtnl, plan: EndpointPlan): void {
  const wanted = new Set(plan.addresses.map(withoutPrefix))
  const isTaken = ({ address }: Address) => wanted.has(withoutPrefix(address))
  const taken = inner.addresses(familyOf(plan.addresses)).find(isTaken)
  if (taken !== undefined) throw exists(plan, { what: `the address ${taken.address}` })
}

/** One alone is read sooner. */
function familyOf(addresses: readonly string[]): { family?: 'ipv4' | 'ipv6' } {
  if (!addresses.some(isIpv6)) return { family: 'ipv4' }
  return addresses.every(isIpv6) ? { family: 'ipv6' } : {}
}

/**
 * Throws `conflict` when the sandbox has an IPv6 default route that packets take rather than the one that is to be set:
 * the kernel refuses one of the same metric alone. For IPv4 none is lower than the usual.
 */
export function assertDefaultRouteWins(inner: Rtnl, wish: Wish): void {
  if (!wish.plan.routes.some(isUsualIpv6Default)) return
  const better = inner.routes({ family: 'ipv6', table: MAIN_TABLE }).filter(isLowDefault)
  const [first] = better
  if (first === undefined) return
  const inWords = better.map(
    (one) => `a route to ${one.destination} with the metric ${one.metric} (${wayOf(inner, one)})`,
  )
  if (!wish.isAgain) {
    const what = [...inWords, ...usualInPlace(inner, wish.plan)].join(' and ')
    throw exists(wish.plan, { what, destination: first.destination })
  }
  for (const one of inWords) wish.yielded(`the container goes by ${one} of its own`)
}

/** What the kernel would refuse for, too: who removes one route is not to meet the next. */
function usualInPlace(inner: Rtnl, { routes }: EndpointPlan): string[] {
  return routes
    .filter(({ destination }) => isDefault(destination))
    .flatMap(({ destination }) => {
      const way = wayInPlaceOf(inner, destination)
      return way === '' ? [] : [`a route to ${destination}${way}`]
    })
}

/** Throws `conflict`, but for default routes of an interface that is made again: that it has none is better than no interface. */
function refuseOrYield(
  inner: Rtnl,
  { plan, isAgain, yielded, lacks }: Task,
  taken: readonly RefusedStep[],
): void {
  const [first] = isAgain ? taken.filter(({ destination }) => destination === undefined) : taken
  if (first !== undefined) {
    const alike = taken.filter(
      ({ destination }) => (destination === undefined) === (first.destination === undefined),
    )
    const what = alike.map((step) => `${step.what}${wayInPlace(inner, step)}`).join(' and ')
    throw exists(plan, { ...first, what }, first.failure)
  }
  for (const step of taken) {
    const own = `${step.what} of its own${wayInPlace(inner, step)}`
    yielded(`the container goes by ${own}`)
    lacks(own)
  }
}

function wayInPlace(inner: Rtnl, { destination }: Step): string {
  return destination === undefined ? '' : wayInPlaceOf(inner, destination)
}

/** Of an interface that was made again, in words: what it lacks for what the container has of its own, and what to do. */
function lackOf(inPlace: readonly string[], interfaceName: string): string {
  return `the container goes by ${inPlace.join(' and ')}, and has none by ${interfaceName}: remove what is its own there, or leave it the default route (--no-default-route)`
}

function isUsualIpv6Default({ destination, metric, table }: EndpointPlan['routes'][number]): boolean {
  return destination === '::/0' && metric === undefined && table === undefined
}

/** One that is for packets from some addresses alone is in nobody's way. */
function isLowDefault({ destination, metric = usualMetric.ipv6, options }: Route): boolean {
  return destination === '::/0' && metric < usualMetric.ipv6 && !options.includes('from')
}

function addressStep(link: number, address: string): Step {
  return {
    what: `the address ${address}`,
    request: addAddress({ link, address, nodad: isIpv6(address) }),
  }
}

function routeStep(link: number, route: EndpointPlan['routes'][number]): Step {
  const { destination } = route
  return {
    what: `a route to ${destination}`,
    request: addRoute(newRoute(link, route)),
    ...(isDefault(destination) && { destination }),
  }
}

type RefusedStep = Step & { readonly failure: KernelError }

/** Answers those that were refused because IPv6 is switched off, and all behind the first, where one is needed. */
function run(inner: Rtnl, steps: readonly Step[], task: Task): RefusedStep[] {
  const refused: RefusedStep[] = []
  const taken: RefusedStep[] = []
  try {
    inner.batch(steps.map(({ request }) => request))
  } catch (error) {
    if (!(error instanceof BatchError)) throw error
    for (const [at, failure] of error.failures) {
      const step = steps[at]
      const isAfterEffect = refused.length > 0 && !KernelError.is(failure, 'EEXIST')
      if (step !== undefined && (isAfterEffect || KernelError.is(failure, 'EACCES')))
        refused.push({ ...step, failure })
      else if (step !== undefined && KernelError.is(failure, 'EEXIST')) taken.push({ ...step, failure })
      else {
        // What was in its way is the cause.
        refuseOrYield(inner, task, taken)
        throw failure
      }
    }
    refuseOrYield(inner, task, taken)
  }
  return refused.every(({ optional }) => optional) ? [] : refused
}

function exists(
  { endpointId, sandboxPath }: EndpointPlan,
  { what, destination }: Pick<Step, 'what' | 'destination'>,
  cause?: KernelError,
): ConetError {
  const has = `has ${what} already`
  return new ConetError('conflict', `plug endpoint ${endpointId}: the sandbox ${sandboxPath} ${has}`, {
    cause,
    ...(destination === undefined
      ? { help: 'remove it from the container, or plug with another address' }
      : {
          fields: [{ path: 'interface.defaultRoute', message: `the container ${has}` }],
          help: leaveDefaultRoute,
        }),
  })
}

export const leaveDefaultRoute =
  'remove it from the container, or leave the default route to it: --no-default-route, or "default_route": false'

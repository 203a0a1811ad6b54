// The sandbox's side of a plug: the requests that set it, and what a refusal of one means to a user.
import { ConetError } from '../errors/index.ts'
import {
  addAddress,
  addRoute,
  BatchError,
  KernelError,
  type RouteRequest,
  type Rtnl,
  setLink,
} from '../linux/index.ts'
import { isIpv6, withoutPrefix } from './addressing.ts'
import { withoutKernelAddress } from './bridge-device.ts'
import { type EndpointPlan, newRoute } from './endpoint-plan.ts'

type Step = {
  /** As users name it: `the address 10.0.0.2/16`. */
  readonly what: string
  readonly request: RouteRequest
  /** May be refused where IPv6 is switched off in the sandbox. */
  readonly optional?: true
}

/** Sets a fresh interface up, in one batch. Throws `conflict` naming what is there already, or a KernelError. */
export function configureInterface(inner: Rtnl, index: number, plan: EndpointPlan): void {
  const steps = [
    // Before it goes up, when the kernel would make the address.
    { what: 'the link', request: setLink(index, withoutKernelAddress(plan.mtu)) },
    { what: 'the link', request: setLink(index, { up: true }) },
    ...plan.addresses.map((address) => addressStep(index, address)),
    ...(plan.linkLocal === undefined
      ? []
      : [{ ...addressStep(index, plan.linkLocal), optional: true as const }]),
    ...plan.routes.map((route) => routeStep(index, route)),
  ]
  run(inner, steps, plan)
}

/** What a namespace's loopback leaves for the first interface that is made in it. */
const firstIndex = 2

/**
 * Throws `conflict` when another interface of the sandbox has one of the addresses: the kernel would take it twice,
 * and answer for it on either. A sandbox that never had another interface needs no look.
 */
export function assertAddressesFree(inner: Rtnl, index: number, plan: EndpointPlan): void {
  if (index === firstIndex) return
  const wanted = new Set(plan.addresses.map(withoutPrefix))
  const taken = inner
    .addresses()
    .find(({ address, link }) => link !== index && wanted.has(withoutPrefix(address)))
  if (taken !== undefined) throw exists(plan, `the address ${taken.address}`)
}

function addressStep(link: number, address: string): Step {
  return {
    what: `the address ${address}`,
    request: addAddress({ link, address, nodad: isIpv6(address) }),
  }
}

function routeStep(link: number, route: EndpointPlan['routes'][number]): Step {
  return { what: `a route to ${route.destination}`, request: addRoute(newRoute(link, route)) }
}

function run(inner: Rtnl, steps: readonly Step[], plan: EndpointPlan): void {
  try {
    inner.batch(steps.map(({ request }) => request))
  } catch (error) {
    if (!(error instanceof BatchError)) throw error
    for (const [at, failure] of error.failures) {
      const step = steps[at]
      if (step?.optional && KernelError.is(failure, 'EACCES')) continue
      throw KernelError.is(failure, 'EEXIST') ? exists(plan, step?.what, failure) : failure
    }
  }
}

function exists({ endpointId, sandboxPath }: EndpointPlan, what = 'it', cause?: KernelError): ConetError {
  const message = `plug endpoint ${endpointId}: the sandbox ${sandboxPath} has ${what} already`
  return new ConetError('conflict', message, { cause })
}

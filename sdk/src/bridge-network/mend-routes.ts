// The routes that are to lead out by an interface, where some of them are gone or were changed.
import { ConetError } from '../errors/index.ts'
import {
  addRoute,
  KernelError,
  newRoute,
  type RouteFault,
  type Rtnl,
  routeFaults,
  substituteRoute,
} from '../linux/index.ts'
import { type EndpointPlan, isDefault } from './endpoint-plan.ts'
import { mended, wayInPlaceOf } from './route-words.ts'
import { leaveDefaultRoute } from './sandbox-interface.ts'

export type MendedRoutes = {
  /** In words, what was. */
  readonly done: readonly string[]
  /** What keeps others out: `conflict` where the container has its own to the same places, or what else the kernel said. */
  readonly refusal?: ConetError | KernelError | undefined
  /** The same in words, of the interface alone. */
  readonly lack?: string | undefined
}

/** Each by itself: the container's own default route of one family keeps that of the other from nothing. */
export function mendRoutes(inner: Rtnl, link: number, plan: EndpointPlan): MendedRoutes {
  if (plan.routes.length === 0) return { done: [] }
  const done: string[] = []
  const refused: Refused[] = []
  const wanted = plan.routes.map((route) => newRoute(link, route))
  for (const fault of routeFaults(inner.routes({ link }), wanted)) {
    try {
      mendRoute(inner, fault)
      done.push(mended(fault))
    } catch (error) {
      if (!KernelError.is(error)) throw error
      refused.push({ destination: fault.route.destination, error })
    }
  }
  return { done, ...refusalOf(inner, plan, refused) }
}

type Refused = { readonly destination: string; readonly error: KernelError }

function mendRoute(inner: Rtnl, { route, wrong }: RouteFault): void {
  if (wrong.length > 0) inner.batch(substituteRoute(route, wrong), { tolerate: ['EEXIST', 'ESRCH'] })
  else inner.run(addRoute(route))
}

function refusalOf(inner: Rtnl, plan: EndpointPlan, refused: readonly Refused[]): Omit<MendedRoutes, 'done'> {
  const [first] = refused
  // What was refused behind it may lead by what is not there.
  if (first === undefined) return {}
  if (first.error.code !== 'EEXIST') return { refusal: first.error, lack: first.error.message }
  const inTheWay = refused
    .filter(({ error }) => KernelError.is(error, 'EEXIST'))
    .map(({ destination }) => `another route to ${destination}${wayInPlaceOf(inner, destination)}`)
    .join(' and ')
  const { endpointId, sandboxPath } = plan
  const message = `plug endpoint ${endpointId}: the sandbox ${sandboxPath} has ${inTheWay}`
  const help = refused.some(({ destination }) => isDefault(destination))
    ? leaveDefaultRoute
    : 'remove it from the container'
  const refusal = new ConetError('conflict', message, { cause: first.error, operationState: 'partial', help })
  return { refusal, lack: `the container has ${inTheWay}` }
}

// The good driver that makes interfaces in the kernel, and the mutations of it. Only the checks of the kernel are for it: a
// sync makes nothing here.
import type { PluggedInterface, PlugParams, PlugResult } from '@conet/sdk'
import type { Behaviour } from '../behaviour.ts'
import type { Mutation } from '../mutations/mutation.ts'
import type { Records } from '../records.ts'
import { goodKernel, hasPair, type Kernel } from './ends.ts'

export function withKernel(good: Behaviour, kernel: Kernel): Behaviour {
  const { methods } = good
  return {
    ...good,
    interfaceOf: (endpoint) => ({ ...good.interfaceOf(endpoint), ...beyondAddresses(endpoint) }),
    assertSandbox: (path) => kernel.open(path).close(),
    methods: {
      ...methods,
      'network/create': async (params, call) => {
        const answer = await methods['network/create'](params, call)
        kernel.makeNetwork(params.network.id)
        return answer
      },
      'network/delete': async (params, call) => {
        const answer = await methods['network/delete'](params, call)
        kernel.deleteNetwork(params.networkId)
        return answer
      },
      'endpoint/plug': async (params, call) => {
        const { records } = call.session.driver
        const before = records.endpoints.get(params.endpointId)
        const answer = await methods['endpoint/plug'](params, call)
        return orAsBefore(records, { endpointId: params.endpointId, before }, () =>
          plug(kernel, params, answer),
        )
      },
      'endpoint/unplug': async (params, call) => {
        const answer = await methods['endpoint/unplug'](params, call)
        kernel.deletePair(params.endpointId)
        return answer
      },
      'endpoint/delete': async (params, call) => {
        const answer = await methods['endpoint/delete'](params, call)
        kernel.deletePair(params.endpointId)
        return answer
      },
    },
  }
}

/** The good kernel driver with some parts of its work in the kernel replaced. */
export function kernelParts(change: (good: Kernel) => Partial<Kernel>): Mutation['change'] {
  return (good) => {
    const kernel = goodKernel()
    return withKernel(good, { ...kernel, ...change(kernel) })
  }
}

/** A way out, the gateway's MAC, and a setting: one of each for the kit to look for. */
function beyondAddresses({ network, interface: wanted }: PlugParams): Partial<PluggedInterface> {
  const [gateway] = network.subnets.flatMap((subnet) => subnet.gateway ?? [])
  return {
    routes: gateway === undefined ? [] : [{ destination: '0.0.0.0/0', gateway }],
    neighbours: gateway === undefined ? [] : [{ address: gateway, macAddress: '02:00:00:00:00:01' }],
    sysctls: { [`net/ipv4/conf/${wanted.name}/rp_filter`]: '2' },
  }
}

function plug(kernel: Kernel, { endpointId, sandbox }: PlugParams, answer: object): object {
  using namespace = kernel.open(sandbox.path)
  for (const wanted of interfacesOf(answer)) {
    if (wanted.configuredBy === 'host') continue
    if (hasPair(endpointId)) {
      kernel.restore(namespace, wanted)
      kernel.mend(endpointId, namespace, wanted)
    } else makeWhole(kernel, { endpointId, namespace, wanted })
  }
  return answer
}

function makeWhole(
  kernel: Kernel,
  {
    endpointId,
    namespace,
    wanted,
  }: { endpointId: string; namespace: ReturnType<Kernel['open']>; wanted: PluggedInterface },
): void {
  kernel.makePair(endpointId, namespace, wanted)
  try {
    kernel.configure(namespace, wanted)
  } catch (error) {
    kernel.deletePair(endpointId)
    throw error
  }
}

export function interfacesOf(answer: object): readonly PluggedInterface[] {
  return isPlugResult(answer) ? answer.interfaces : []
}

function isPlugResult(answer: object): answer is PlugResult {
  return 'interfaces' in answer
}

/** A plug that fails in the kernel has not happened. */
function orAsBefore(
  { endpoints }: Records,
  { endpointId, before }: { endpointId: string; before: ReturnType<Records['endpoints']['get']> },
  work: () => object,
): object {
  try {
    return work()
  } catch (error) {
    if (before === undefined) endpoints.delete(endpointId)
    else endpoints.set(endpointId, before)
    throw error
  }
}

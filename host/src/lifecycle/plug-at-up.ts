// An attachment is plugged while its container comes up, and what takes that back where the `up` fails.
import type { Rollback } from '@conet/sdk'
import type { ContainerRecord, SandboxRecord } from '../domain/container.ts'
import type { EndpointRecord } from '../domain/endpoint.ts'
import { failpoint } from './failpoints.ts'
import type { HostContext, Operation } from './host-context.ts'
import { intendEndpoint } from './intend-endpoint.ts'
import { createAndPlug, plugCreated } from './make-endpoint.ts'
import { makeOwnNetwork, removeOwnNetwork } from './own-networks.ts'
import { placeCreated } from './place-created.ts'
import { keepPortsOf } from './policy-ports.ts'
import { awaitPublication } from './publication.ts'
import { endAtDriver, removeInUndo } from './remove-endpoint.ts'

type Place = {
  container: ContainerRecord
  attachment: ContainerRecord['attachments'][number]
  sandbox: SandboxRecord
}

/** One made before by `plug` is plugged and, in an undo, stays created; else one is made and goes again. */
export async function plugAttachment(
  host: HostContext,
  { container, attachment, sandbox }: Place,
  { undo, operation }: { undo: Rollback; operation: Operation },
): Promise<void> {
  const made = host.inventory
    .endpointsOfContainer(container.handle)
    .find((candidate) => candidate.attachment === attachment.name && candidate.state === 'created')
  if (made !== undefined) {
    const endpoint = await placeCreated(host, { container, attachment, sandbox }, { made, operation })
    undo.defer(`unplug endpoint ${endpoint.id}`, () => unplugAgain(host, endpoint))
    await awaitPublication(
      host,
      await plugCreated(host, { container, attachment, created: endpoint }, sandbox, operation),
    )
    return
  }
  if (attachment.own !== undefined)
    undo.defer(`remove network ${attachment.networkId}`, () => removeOwnNetwork(host, attachment))
  await makeOwnNetwork(host, { handle: container.handle, attachment }, operation)
  const wish = { container, attachment, madeBy: 'up', sandbox } as const
  const intended = await intendEndpoint(host, wish, operation)
  undo.defer(`remove endpoint ${intended.endpoint.id}`, () => removeInUndo(host, intended.endpoint.id))
  await awaitPublication(host, await createAndPlug(host, intended, sandbox, operation))
}

/** The endpoint was the client's before this `up`, so it stays, without a sandbox. */
async function unplugAgain(host: HostContext, created: EndpointRecord): Promise<void> {
  const { id } = created
  try {
    await endAtDriver(host, host.inventory.endpoints.get(id) ?? created, {
      operation: { id: `undo-${id}` },
      keepsEndpoint: true,
    })
  } catch (err) {
    host.log.error({ endpointId: id, err }, 'a failed up could not unplug an endpoint: it is removed')
    // Whether the sandbox still has it is unknown: only removing the endpoint makes that certain.
    await removeInUndo(host, id)
    return
  }
  failpoint('host:endpoint:unplugged-again')
  host.inventory.commit((change) => change.putEndpoint(created), 'removal')
  keepPortsOf(host, created)
}

// Drivers, status and health.
import type { Handlers } from './handler.ts'

export const hostHandlers: Pick<
  Handlers,
  | 'listDrivers'
  | 'getDriver'
  | 'startDriver'
  | 'stopDriver'
  | 'listPools'
  | 'previewReconciliation'
  | 'reconcile'
  | 'status'
  | 'health'
> = {
  listDrivers({ drivers }) {
    return { status: 200, body: { drivers: [...drivers.list()] } }
  },

  getDriver({ drivers }, { parameters }) {
    return { status: 200, body: drivers.get(parameters.driver) }
  },

  async startDriver({ drivers }, { parameters }) {
    await drivers.start(parameters.driver)
    return { status: 200, body: {} }
  },

  async stopDriver({ drivers }, { parameters }) {
    await drivers.stop(parameters.driver)
    return { status: 200, body: {} }
  },

  async status({ status }) {
    return { status: 200, body: await status() }
  },

  async previewReconciliation({ reconciliation }, { operation }) {
    return { status: 200, body: await reconciliation.preview(operation) }
  },

  async reconcile({ reconciliation }, { operation }) {
    return { status: 200, body: await reconciliation.run(operation) }
  },

  listPools({ pools }) {
    return { status: 200, body: pools() }
  },

  health({ version }) {
    return { status: 200, body: { status: 'ok', version } }
  },
}

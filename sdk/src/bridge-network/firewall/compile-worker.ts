// The thread that compiles large documents.
import { parentPort } from 'node:worker_threads'
import { ConetError } from '../../errors/index.ts'
import {
  compileEgress,
  type EgressSource,
  type ThreadOutcome,
  type ThreadRequest,
} from './compiled-egress.ts'

function outcomeOf(source: EgressSource): ThreadOutcome {
  try {
    return { compiled: compileEgress(source) }
  } catch (error) {
    if (!(error instanceof ConetError)) throw error
    return { refused: { message: error.message, fields: error.fields } }
  }
}

parentPort?.on('message', ({ id, source }: ThreadRequest) =>
  parentPort?.postMessage({ id, ...outcomeOf(source) }),
)

// The functions of libnftables that conet calls (libnftables(3)), loaded when first needed: a driver
// without a firewall runs without the library.
import koffi from 'koffi'
import { ConetError } from '../errors/index.ts'

/** A context (`struct nft_ctx *`); koffi's handle for the pointer. */
export type Context = { readonly __context: never }

export type NftablesLibrary = {
  newContext(flags: number): Context | null
  freeContext(context: Context): void
  bufferOutput(context: Context): number
  bufferError(context: Context): number
  /** What was printed since the last call of this function. */
  takeOutput(context: Context): string
  takeError(context: Context): string
  setOutputFlags(context: Context, flags: number): void
  runText(context: Context, text: string): number
  runFile(context: Context, path: string): number
}

let loaded: NftablesLibrary | undefined

/** Throws `failedPrecondition`, naming the Debian package, when the library is not there. */
export function nftablesLibrary(): NftablesLibrary {
  loaded ??= bind(load())
  return loaded
}

function load(): ReturnType<typeof koffi.load> {
  try {
    return koffi.load('libnftables.so.1')
  } catch (cause) {
    throw new ConetError('failedPrecondition', 'load libnftables.so.1: the library cannot be loaded', {
      cause,
      help: 'Install it: apt-get install libnftables1',
    })
  }
}

function bind(library: ReturnType<typeof koffi.load>): NftablesLibrary {
  return {
    newContext: library.func('void *nft_ctx_new(uint32_t flags)'),
    freeContext: library.func('void nft_ctx_free(void *context)'),
    bufferOutput: library.func('int nft_ctx_buffer_output(void *context)'),
    bufferError: library.func('int nft_ctx_buffer_error(void *context)'),
    takeOutput: library.func('const char *nft_ctx_get_output_buffer(void *context)'),
    takeError: library.func('const char *nft_ctx_get_error_buffer(void *context)'),
    setOutputFlags: library.func('void nft_ctx_output_set_flags(void *context, unsigned int flags)'),
    runText: library.func('int nft_run_cmd_from_buffer(void *context, const char *text)'),
    runFile: library.func('int nft_run_cmd_from_filename(void *context, const char *path)'),
  }
}

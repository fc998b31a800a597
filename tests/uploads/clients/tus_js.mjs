// tus-js-client in Node, told what to do by one JSON argument. Each thing that happens is a JSON line on standard output.
//   node tus_js.mjs '{"endpoint": URL, "file": PATH, "storage": PATH, "stop_at": BYTES, "options": {...}}'
// storage: keeps the addresses of uploads; one that is found there is continued. stop_at: this process stops itself, as
// a phone that loses its network does, once so many bytes are on their way; null: never. abort_at: it aborts there, and
// goes on. pieces: the bytes come as a stream of unknown length. terminate: the finished upload is deleted.
import fs from 'node:fs'
import { Readable } from 'node:stream'
import { FileUrlStorage, Upload } from 'tus-js-client'

const { endpoint, file, storage, stop_at, abort_at, pieces, terminate, options } = JSON.parse(process.argv[2])
const tell = (event) => fs.writeSync(1, `${JSON.stringify(event)}\n`)
const failed = (error) => {
  tell({ failed: String(error) })
  process.exit(1)
}

const source = pieces
  ? Readable.from(fs.createReadStream(file, { highWaterMark: 100_000 }))
  : fs.createReadStream(file)

let aborted = false
const upload = new Upload(source, {
  endpoint,
  retryDelays: [0, 100, 300, 500],
  metadata: { filename: 'card.bin', filetype: 'application/octet-stream' },
  ...(storage ? { urlStorage: new FileUrlStorage(storage) } : {}),
  ...options,
  onAfterResponse: (request, response) => tell({
    method: request.getMethod(),
    override: request.getHeader('X-HTTP-Method-Override') ?? null,
    offset: request.getHeader('Upload-Offset') ?? null,
    status: response.getStatus(),
  }),
  onProgress: (sent) => {
    if (stop_at && sent >= stop_at) {
      tell({ stopped: upload.url })
      process.kill(process.pid, 'SIGSTOP')
    }
    if (abort_at && sent >= abort_at && !aborted) {
      aborted = true
      upload.abort().then(() => {
        tell({ aborted: upload.url })
        upload.start()
      }, failed)
    }
  },
  onError: failed,
  onSuccess: () => {
    const url = upload.url
    if (!terminate) return tell({ done: url })
    return Upload.terminate(url).then(() => tell({ terminated: url }), failed)
  },
})
const found = storage ? await upload.findPreviousUploads() : []
if (found.length > 0) upload.resumeFromPreviousUpload(found[0])
upload.start()

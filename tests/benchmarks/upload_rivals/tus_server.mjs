// @tus/server over @tus/file-store as its README starts them: node tus_server.mjs FOLDER PACKAGES. Ends with standard
// input. Its limits are not set unless the environment names them: MOST_BYTES, LIFETIME_MS.
import http from 'node:http'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [folder, packages] = process.argv.slice(2)
const from = createRequire(pathToFileURL(`${packages}/package.json`))
const load = async (name) => import(pathToFileURL(from.resolve(name)))
const { Server } = await load('@tus/server')
const { FileStore } = await load('@tus/file-store')

const { MOST_BYTES: most, LIFETIME_MS: lifetime } = process.env
const store = new FileStore({ directory: folder, expirationPeriodInMilliseconds: lifetime && Number(lifetime) })
const tus = new Server({ path: '/files', datastore: store, maxSize: most && Number(most) })
const server = http.createServer((request, response) => tus.handle(request, response))
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ ready: true, role: 'tus-server', host: '127.0.0.1', port: server.address().port }))
})
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))

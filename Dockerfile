FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY dashboard/package.json dashboard/
RUN npm ci
COPY tsconfig.json build.mjs ./
COPY src src
COPY workflows workflows
COPY activities activities
COPY dashboard dashboard
RUN npm run build && npm prune --omit=dev

FROM node:22-bookworm-slim
# Node resolves names on these threads: names whose servers hang must not keep the others waiting. With room for what a
# burst leaves behind, collecting it takes less.
ENV NODE_ENV=production HOST=0.0.0.0 UV_THREADPOOL_SIZE=64 \
  NODE_OPTIONS=--max-semi-space-size=32
WORKDIR /app
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY package.json ./
# For the file PAUSE; see docs/control.md.
RUN mkdir .surehook && chown node:node .surehook \
  && chmod +x dist/src/cli/main.js && ln -s /app/dist/src/cli/main.js /usr/local/bin/surehook
USER node
EXPOSE 8080
# The API; a worker is `node dist/src/worker.js`.
CMD ["node", "dist/src/api.js"]

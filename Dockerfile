# syntax=docker/dockerfile:1
# The image of all roles: the arguments say which one, as in `docker run … messenger-operator controller`.
# It runs as uid 65532 and writes nothing to its own file system.
ARG BUILD_IMAGE=node:24-bookworm-slim
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs24-debian12:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
# Not by `npm run`: it would look for the devDependency `node`, whose install script did not run.
RUN node node_modules/typescript/bin/tsc -p tsconfig.build.json

FROM ${BUILD_IMAGE} AS production
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM ${RUNTIME_IMAGE}
LABEL org.opencontainers.image.title="messenger-operator" \
      org.opencontainers.image.description="Runs many Facebook Messenger Pages from one Facebook App" \
      org.opencontainers.image.licenses="Apache-2.0"
WORKDIR /app
COPY --from=production /app/node_modules ./node_modules
COPY --from=build /src/dist ./dist
COPY package.json LICENSE ./
# standalone checks manifests with these.
COPY crds ./crds
ENV NODE_ENV=production
USER 65532:65532
# webhook, Pages API, admin
EXPOSE 8080 8081 9090
# SIGUSR1 would open the inspector, also before main.js can prevent it.
ENTRYPOINT ["/nodejs/bin/node", "--disable-sigusr1", "/app/dist/main.js"]
CMD ["--help"]

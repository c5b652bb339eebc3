# The targets of a Makefile with their one-line descriptions, in groups opened by `##@ Title`.
/^##@ / { printf "\n%s\n", substr($0, 5) }
/^[a-z][a-z-]*:.*## / {
    target = $0; sub(/:.*/, "", target)
    text = $0; sub(/.*## /, "", text)
    printf "  make %-14s %s\n", target, text
}

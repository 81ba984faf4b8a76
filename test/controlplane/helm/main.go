// Helm's own command line, for machines without a helm on PATH. It is in the
// module of the control plane so that the two share what they are compiled from:
// after the API server, this takes seconds instead of minutes.
package main

import (
	"errors"
	"fmt"
	"os"

	helm "helm.sh/helm/v4/pkg/cmd"
	"helm.sh/helm/v4/pkg/kube"
)

func main() {
	kube.ManagedFieldsManager = "helm" // whatever the file is called
	command, err := helm.NewRootCmd(os.Stdout, os.Args[1:], helm.SetupLogging)
	if err == nil {
		err = command.Execute()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	var failed helm.CommandError
	switch {
	case err == nil:
	case errors.As(err, &failed):
		os.Exit(failed.ExitCode)
	default:
		os.Exit(1)
	}
}

// client-go with protobuf and shared informers: what a controller does, against a live server. Says ok at its end.
package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	applycore "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const ns = "clients-go"

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func check(fine bool, what string, values ...any) {
	if !fine {
		panic(fmt.Sprintf(what, values...))
	}
}

type record struct {
	sync.Mutex
	added, updated, deleted map[string]int
}

func (r *record) note(counts map[string]int, object any) {
	if last, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = last.Obj
	}
	r.Lock()
	defer r.Unlock()
	counts[object.(*corev1.Pod).Name]++
}

func main() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	must(err)
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf"
	config.QPS, config.Burst = 200, 200
	client := kubernetes.NewForConfigOrDie(config)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: ns}}
	_, err = client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	must(err)
	defer client.CoreV1().Namespaces().Delete(context.Background(), ns, metav1.DeleteOptions{})

	seen := &record{added: map[string]int{}, updated: map[string]int{}, deleted: map[string]int{}}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(ns))
	informer := factory.Core().V1().Pods().Informer()
	_, err = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { seen.note(seen.added, object) },
		UpdateFunc: func(_, object any) { seen.note(seen.updated, object) },
		DeleteFunc: func(object any) { seen.note(seen.deleted, object) },
	})
	must(err)
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())

	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "app"}}
	_, err = client.CoreV1().ServiceAccounts(ns).Create(ctx, account, metav1.CreateOptions{})
	must(err)
	pods := client.CoreV1().Pods(ns)
	for i := range 20 {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("p%d", i), Labels: map[string]string{"half": fmt.Sprint(i % 2)}},
			Spec: corev1.PodSpec{
				ServiceAccountName: "app",
				SchedulerName:      "nobody",
				Containers:         []corev1.Container{{Name: "app", Image: "app:1"}},
			},
		}
		made, err := pods.Create(ctx, pod, metav1.CreateOptions{})
		must(err)
		check(made.Spec.RestartPolicy == corev1.RestartPolicyAlways, "no defaults: %v", made.Spec)
	}
	half, err := pods.List(ctx, metav1.ListOptions{LabelSelector: "half=1"})
	must(err)
	check(len(half.Items) == 10, "%d pods of half", len(half.Items))

	patch := []byte(`{"metadata":{"annotations":{"a":"b"}}}`)
	patched, err := pods.Patch(ctx, "p0", types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	must(err)
	check(patched.Annotations["a"] == "b", "annotations %v", patched.Annotations)
	stale := half.Items[0].DeepCopy()
	stale.Labels["new"] = "1"
	_, err = pods.Update(ctx, stale, metav1.UpdateOptions{})
	must(err)
	_, err = pods.Update(ctx, stale, metav1.UpdateOptions{})
	check(apierrors.IsConflict(err), "a stale update: %v", err)
	_, err = pods.Get(ctx, "nothing", metav1.GetOptions{})
	check(apierrors.IsNotFound(err), "nothing: %v", err)

	apply := applycore.ConfigMap("c", ns).WithData(map[string]string{"k": "v"})
	options := metav1.ApplyOptions{FieldManager: "one"}
	_, err = client.CoreV1().ConfigMaps(ns).Apply(ctx, apply, options)
	must(err)
	other := applycore.ConfigMap("c", ns).WithData(map[string]string{"k": "w"})
	_, err = client.CoreV1().ConfigMaps(ns).Apply(ctx, other, metav1.ApplyOptions{FieldManager: "two"})
	check(apierrors.IsConflict(err), "apply over another's field: %v", err)

	_, err = client.Discovery().ServerPreferredResources()
	must(err)
	must(pods.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}))
	must(wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, func(context.Context) (bool, error) {
		seen.Lock()
		defer seen.Unlock()
		return len(seen.deleted) == 20, nil
	}))
	check(len(seen.added) == 20 && seen.updated["p0"] > 0, "added %v, updated %v", seen.added, seen.updated)
	check(len(informer.GetStore().List()) == 0, "the informer still holds pods")
	fmt.Println("ok")
}

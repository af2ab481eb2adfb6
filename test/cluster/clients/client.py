# The official Python client: what a person writes with it, against a live server. Says ok at its end.
import sys

from kubernetes import client, config, watch
from kubernetes.client.rest import ApiException

config.load_kube_config(sys.argv[1])
core = client.CoreV1Api()
apps = client.AppsV1Api()
NS = "clients-python"

core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NS)))
try:
    begun = core.list_namespaced_config_map(NS).metadata.resource_version
    for i in range(5):
        meta = client.V1ObjectMeta(name=f"m{i}", labels={"round": str(i % 2)})
        core.create_namespaced_config_map(NS, client.V1ConfigMap(metadata=meta, data={"i": str(i), "text": "zwölf ☃"}))
    odd = core.list_namespaced_config_map(NS, label_selector="round=1").items
    assert [each.metadata.name for each in odd] == ["m1", "m3"], odd
    assert odd[0].data["text"] == "zwölf ☃"

    page = core.list_namespaced_config_map(NS, limit=2)
    rest = core.list_namespaced_config_map(NS, limit=10, _continue=page.metadata._continue)
    assert len(page.items) + len(rest.items) == 5

    patched = core.patch_namespaced_config_map("m0", NS, {"data": {"i": None, "new": "1"}})
    assert "i" not in patched.data and patched.data["new"] == "1", patched.data

    stale = core.read_namespaced_config_map("m1", NS)
    stale.data["first"] = "1"
    core.replace_namespaced_config_map("m1", NS, stale)
    try:
        core.replace_namespaced_config_map("m1", NS, stale)
        raise AssertionError("a stale replace went through")
    except ApiException as refused:
        assert refused.status == 409, refused

    core.delete_namespaced_config_map("m4", NS)
    seen = []
    watching = watch.Watch()
    for event in watching.stream(core.list_namespaced_config_map, NS, resource_version=begun, timeout_seconds=10):
        seen.append((event["type"], event["object"].metadata.name))
        if event["type"] == "DELETED":
            watching.stop()
    added = [("ADDED", f"m{i}") for i in range(5)]
    assert seen == added + [("MODIFIED", "m0"), ("MODIFIED", "m1"), ("DELETED", "m4")], seen

    template = client.V1PodTemplateSpec(
        metadata=client.V1ObjectMeta(labels={"app": "d"}),
        spec=client.V1PodSpec(containers=[client.V1Container(name="app", image="app:1")]),
    )
    selector = client.V1LabelSelector(match_labels={"app": "d"})
    spec = client.V1DeploymentSpec(replicas=0, selector=selector, template=template)
    made = apps.create_namespaced_deployment(NS, client.V1Deployment(metadata=client.V1ObjectMeta(name="d"), spec=spec))
    assert made.spec.strategy.rolling_update.max_surge == "25%"
    scaled = apps.patch_namespaced_deployment_scale("d", NS, {"spec": {"replicas": 2}})
    assert scaled.spec.replicas == 2
    apps.delete_namespaced_deployment("d", NS, propagation_policy="Background")
    try:
        apps.read_namespaced_deployment("d", NS)
        raise AssertionError("the deployment is still there")
    except ApiException as gone:
        assert gone.status == 404, gone
finally:
    core.delete_namespace(NS)
print("ok")
